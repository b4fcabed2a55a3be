"""The address that the client's packets leave with, against the one that its NIM definition lets in."""

from __future__ import annotations

import json

from nimwrap.config.model import REMEDIES
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import ok, refuse, skip, warn
from nimwrap.preflight.address_origin import origin_of
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.export_allowlist import leads_to
from nimwrap.preflight.permanent_fix import permanent_fix
from nimwrap.preflight.possible_remedies import obstacles, possible_remedies, remedies_in_order
from nimwrap.preflight.source_address import ALIAS_ORDER, NETSTAT, PERL, ROUTE_GET, SEEN_BY_MASTER, STRONG, TRACEROUTE

_HOW = {
    PERL: "by perl, from the kernel",
    TRACEROUTE: "by traceroute",
    ROUTE_GET: "by route get",
    NETSTAT: "by netstat, of a connection made for it",
    SEEN_BY_MASTER: "by netstat on the master, of a connection made for it",
    ALIAS_ORDER: "guessed by alias order",
}


def source_address(s: CheckContext) -> Finding:
    """Equal, or what the difference is, whether a remedy may bridge it, and what cures it for good."""
    if s.channel is None or not s.channel.reached:
        return skip("the client was not reached")
    expected, actual, method = s.source.expected, s.source.actual, s.source.method
    evidence = _evidence(s)
    if actual is None:
        return warn(
            f"neither perl, traceroute, route, netstat nor the order of aliases tells what {s.ref.client} leaves from",
            'on the client: traceroute MASTER, and the line "source should be"',
            evidence,
        )
    if expected is None:
        return warn(
            f"{s.ref.client} leaves from {actual}, and the master does not resolve its if1 name {s.host}:"
            " NIM may not be able to export to it",
            f"on the master: host {s.host}; add it to /etc/hosts or the name service there",
            evidence,
        )
    if actual == expected:
        return ok(f"{actual}, which the master knows as {s.host} ({_HOW[method or ALIAS_ORDER]})", evidence)
    return _differs(s, actual, evidence)


def _differs(s: CheckContext, actual: str, evidence: str) -> Finding:
    origin = origin_of(actual, s.client)
    host = s.host or s.ref.client
    differs = (
        f"{s.ref.client} leaves from {actual}, {origin}; its NIM definition lets in {host} = {', '.join(s.expected)}"
        " only, so that its mount would be denied"
    )
    lasting = permanent_fix(s.ref.client, host, origin)
    if s.source.method not in STRONG:
        return warn(
            f"{s.ref.client} seems to leave from {actual}, {origin}. That is known only from the order of its"
            " addresses: too weak to let an address in. NIM's own operation is tried, and fails if it is that one",
            f"install perl (perl.rte) or traceroute on the client, so that it can be proven. For good: {lasting}",
            evidence,
        )
    why_not = obstacle(s)
    if why_not:
        fix = "\n".join(filter(None, (lasting, _way_out(s))))
        return refuse(FailureCode.SOURCE_ADDRESS_MISMATCH, f"{differs} ({why_not})", fix, evidence)
    first, *_ = possible_remedies(s)
    tested = "worked on this master before" if first in s.prior.remedies_proven else "untested on this master"
    message = f"{differs}. The remedy {first} will let {actual} in for the time of the backup ({tested})"
    return warn(message, f"for good: {lasting}", evidence)


def _way_out(s: CheckContext) -> str:
    """What in the configuration, or on the master, would let nimwrap bridge the difference; empty for nothing."""
    if s.policy.export_change == "never":
        return 'Or allow nimwrap to let it in for the time of a backup: export_change = "when-needed".'
    allowed = remedies_in_order(s.policy, ())
    if not allowed or possible_remedies(s):
        return ""
    barred = obstacles(s)
    ways = []
    if any(name not in barred for name in REMEDIES):
        ways.append(f"remedies = {json.dumps(REMEDIES)}")
    ways += [barred[name].fix for name in allowed if barred[name].fix]
    return f"Or: {'; or, '.join(ways)}." if ways else ""


def obstacle(s: CheckContext) -> str:
    """Why no remedy may be used for a source address that is proven to differ; empty when one may."""
    if s.policy.export_change == "never":
        return 'export_change = "never" forbids to let it in'
    allowed = remedies_in_order(s.policy, ())
    if not allowed:
        return f"layout = {s.policy.layout} and remedies = {list(s.policy.remedies)} leave no way to let it in"
    if not possible_remedies(s):
        why = " and ".join(dict.fromkeys(found.why for found in obstacles(s, allowed).values()))
        return f"{why} leaves remedies = {list(s.policy.remedies)} no way to let it in"
    if not s.source_proven:
        return "none of the client's own interfaces holds this address"
    return ""


def reverse_lookup(s: CheckContext) -> Finding:
    """An export's host list is compared with the name that the master finds for the source address (section 3.3)."""
    actual = s.source.actual
    if actual is None:
        return skip("the source address is not known")
    answer = s.names.of(actual)
    fix = f"on the master: add {actual} to /etc/hosts or to the reverse zone of the name service"
    if s.names.unknown(actual):
        return warn(f"the master finds no name for {actual}: a mount may fail with 1831-019", fix, answer.raw)
    names = answer.need().names
    if actual in s.expected and s.host:
        if _same(s.host, names):
            return ok(f"{actual} is {names[0]} on the master", answer.raw)
        return warn(
            f"the master knows {actual} as {names[0]}, and NIM exports to {s.host}: the mount may be denied",
            f"on the master: let {actual} and {s.host} name each other (host {actual}; host {s.host})",
            answer.raw,
        )
    if leads_to(s, names[0], s.client.own_addresses):
        return ok(f"{actual} is {names[0]} on the master", answer.raw)
    return warn(f"the master knows {actual} as {names[0]}, which does not lead back to this client", fix, answer.raw)


def _same(host: str, names: tuple[str, ...]) -> bool:
    """Equal, or one of the two is the other without its domain."""
    short = host.partition(".")[0].lower()
    return any(name.lower() == host.lower() or name.partition(".")[0].lower() == short for name in names)


def _evidence(s: CheckContext) -> str:
    named = s.names.of(s.host).raw if s.host else ""
    parts = [s.client.source.raw, named, s.client.interfaces.raw, s.client.labels.raw]
    return "\n".join(part.strip() for part in [*parts, s.client.groups.raw] if part.strip())
