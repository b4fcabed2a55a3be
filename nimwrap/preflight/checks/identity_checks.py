"""Whether the client answers, and whether it is the machine that NIM takes it for."""

from __future__ import annotations

from nimwrap.aix.classify import classify
from nimwrap.aix.host import not_found
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import ok, refuse, skip, warn
from nimwrap.preflight.check_context import CheckContext

CLOCK_TOLERANCE_S = 300


def channel(s: CheckContext) -> Finding:
    """The client answered over the configured channel (aix-nim section 5.1)."""
    answer = s.channel
    if answer is None:
        return skip("the client was not called")
    if answer.reached and s.client.node.value is not None:
        return ok(f"answers over {s.master.client_channel}")
    if answer.reached:
        return warn(
            f"{s.ref.client} answers over {s.master.client_channel}, but not what was asked",
            f"try by hand on the master: /usr/lpp/bos.sysmgt/nim/methods/c_rsh {s.host} 'uname -n'",
            answer.output,
        )
    said = classify(answer.output, None)
    if said.code in (FailureCode.CLIENT_IDENTITY, FailureCode.CLIENT_UNREACHABLE):
        return refuse(said.code, said.message, said.fix, answer.output)
    return refuse(
        FailureCode.CLIENT_UNREACHABLE,
        f"{s.host} does not answer over {s.master.client_channel}: {said.message}",
        "on the client: lssrc -s nimsh, and startsrc -s nimsh if it is down"
        if s.master.client_channel == "c_rsh"
        else f"on the master, as the same user: ssh {s.host} uname -n",
        answer.output,
    )


def identity(s: CheckContext) -> Finding:
    """``/etc/niminfo`` must name this client and this master (aix-nim section 5.1)."""
    info = s.client.niminfo.need()
    raw = s.client.niminfo.raw
    if info.name and info.name != s.ref.client:
        return refuse(
            FailureCode.CLIENT_IDENTITY,
            f"the machine that answers for {s.ref.client} calls itself {info.name} in /etc/niminfo",
            f"see on the master where {s.host} leads (host {s.host}); to register the client anew: niminit on it",
            raw,
        )
    if not info.master_hostname:
        return skip("/etc/niminfo names no master", raw)
    return _master(s, info.master_hostname, raw)


def _master(s: CheckContext, named: str, raw: str) -> Finding:
    """``named`` must lead the client to this master, for its mount will use that name (aix-nim section 1)."""
    own = s.on_master.hostname.value or s.ref.master
    source = s.client.source.value
    held = {address for interface in s.names.interfaces.value or [] for address in interface.ipv4}
    held = {address for address in held if not address.startswith("127.")}
    if source is not None and source.master_name == named and held:
        evidence = f"{raw}\n{source.resolved}"
        if held & set(source.master_addresses):
            return ok(f"its master is {named}", evidence)
        leads = ", ".join(source.master_addresses)
        if leads or (source.address is None and not_found(source.resolved)):
            what = f"which leads it to {leads}" if leads else "which it cannot resolve"
            here = ", ".join(sorted(held))
            return refuse(
                FailureCode.CLIENT_IDENTITY,
                f"/etc/niminfo of {s.ref.client} names {named} as its master, {what}; {own} is {here}",
                f"if {own} is to be its master: niminit on the client, then nimclient -C; or correct the name there",
                evidence,
            )
    if _short(own) == _short(named):
        return ok(f"its master is {named}", raw)
    return warn(
        f"/etc/niminfo of {s.ref.client} names {named} as its master, and this one calls itself {own}",
        "on the client: host NAME must give an address of this master; else niminit, then nimclient -C",
        raw,
    )


def _short(name: str) -> str:
    return name.partition(".")[0].lower()


def cpuid(s: CheckContext) -> Finding:
    """NIM's stored cpuid against ``uname -m``; a new object has none yet (aix-nim section 2.6)."""
    stored = s.object().first("cpuid")
    actual = s.client.machine_id.need()
    if not stored:
        return ok(f"NIM has not stored one yet; the client's is {actual}")
    if stored.upper() == actual.upper():
        return ok(actual)
    return refuse(
        FailureCode.CLIENT_IDENTITY,
        f"NIM has stored cpuid {stored}, and the machine that answers as {s.host} has {actual}",
        f"if {s.ref.client} was moved to another frame (LPM) or rebuilt: nim -Fo change -a cpuid={actual}"
        f" {s.ref.client}; if not, {s.host} leads to another machine",
        f"cpuid = {stored}\nuname -m: {actual}",
    )


def clock(s: CheckContext) -> Finding:
    """The two clocks; the time that passed between the two readings is allowed for."""
    ahead = (s.client.clock.need() - s.on_master.clock.need()).total_seconds()
    apart = max(ahead - s.spent_s, -ahead, 0.0)
    if apart <= CLOCK_TOLERANCE_S:
        return ok(f"within {CLOCK_TOLERANCE_S // 60} minutes of the master's")
    direction = "ahead of" if ahead > 0 else "behind"
    return warn(
        f"the client's clock is {round(apart / 60)} minutes {direction} the master's: dates in the image will be wrong",
        "set up time synchronisation on both (xntpd or chrony)",
        f"master {s.on_master.clock.raw.strip()}\nclient {s.client.clock.raw.strip()}",
    )
