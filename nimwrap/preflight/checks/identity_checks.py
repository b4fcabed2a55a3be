"""Whether the client answers, and whether it is the machine that NIM takes it for."""

from __future__ import annotations

from nimwrap.aix import lsnim
from nimwrap.aix.classify import classify
from nimwrap.aix.host import not_found
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import measured, ok, refuse, skip, warn
from nimwrap.hosts.channel_route import BY_C_RSH, BY_SSH, NARROW, in_words, piece_bytes, way_of
from nimwrap.hosts.client_channel import ChannelAnswer
from nimwrap.hosts.command import CSH
from nimwrap.hosts.piecewise import SMALLEST
from nimwrap.preflight.check_context import CheckContext

CLOCK_TOLERANCE_S = 300


def channel(s: CheckContext) -> Finding:
    """The client answered over a channel that carries what we ask (aix-nim section 5.1, aix-audit row 1)."""
    answer = s.channel
    if answer is None:
        return skip("the client was not called")
    if answer.reached and s.client.node.value is not None:
        calls = f", {answer.calls} calls" if answer.calls > 1 else ""
        found = ok(f"answers over {in_words(answer.route)}{calls}")
        return measured(found, route=answer.route, channel_calls=answer.calls)
    if answer.reached:
        return warn(
            f"{s.ref.client} answers over {in_words(answer.route)}, but not what was asked",
            f"try by hand on the master: /usr/lpp/bos.sysmgt/nim/methods/c_rsh {s.host} 'uname -n'",
            answer.output,
        )
    said = classify(answer.output, None)
    if said.code in (FailureCode.CLIENT_IDENTITY, FailureCode.CLIENT_UNREACHABLE):
        return refuse(said.code, said.message, said.fix, answer.output)
    if answer.narrow:
        return _narrow(s, answer)
    return _unanswered(s, answer, said.message)


def _unanswered(s: CheckContext, answer: ChannelAnswer, told: str) -> Finding:
    if s.master.client_channel != BY_SSH:
        message = f"{s.host} does not answer over {BY_C_RSH}: {told}"
        fix = "on the client: lssrc -s nimsh, and startsrc -s nimsh if it is down"
    elif CSH in answer.output.split():
        message = f"root's login shell on {s.host} is csh, which reads no script of ksh, and ssh gives it ours"
        fix = 'on the client: chsh root /usr/bin/ksh; or client_channel = "auto": c_rsh carries them with any shell'
    else:
        message = f"{s.host} does not answer over {BY_SSH}: {told}"
        fix = f"on the master, as the same user: ssh {s.host} uname -n"
    return refuse(FailureCode.CLIENT_UNREACHABLE, message, fix, answer.output)


def _narrow(s: CheckContext, answer: ChannelAnswer) -> Finding:
    """c_rsh reaches the client, so that nimsh is not what is wrong there."""
    size = piece_bytes(answer.route)
    if size:
        what = f"carries {size} bytes a call, but loses too much of them"
    elif way_of(answer.route) == NARROW:
        what = f"carries less than {SMALLEST} bytes a call"
    else:
        what = "runs no command of ours there"
    ssh = f"let the master's root log in by ssh: on the master, ssh {s.host} uname -n must answer without a question"
    setting = ' (and client_channel = "auto")' if s.master.client_channel == BY_C_RSH else ""
    return refuse(
        FailureCode.CHANNEL_NARROW,
        f"c_rsh reaches {s.host} and {what}",
        f"{ssh}{setting}; what the channel does is told by `nimwrap doctor --observe DIR`",
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
    """NIM's stored cpuid against ``uname -m``; a new object has none yet (aix-nim section 2.6).

    nimsh compares them itself where it is to: a client that answers, and bears its own name, has been moved (aix-audit,
    row 4). One whose name is not known may be anybody.
    """
    stored = s.object().first("cpuid")
    actual = s.client.machine_id.need()
    if not stored:
        return ok(f"NIM has not stored one yet; the client's is {actual}")
    if stored.upper() == actual.upper():
        return ok(actual)
    told = s.client.niminfo.value
    evidence = f"cpuid = {stored}\nuname -m: {actual}"
    itself = (s.on_master.objects.value or {}).get(lsnim.MASTER)
    if told is not None and told.name == s.ref.client:
        if itself is not None and (itself.first("validate_cpuid") or "").lower() == "no":
            return ok(
                f"{actual}; NIM has stored {stored}, and is told not to compare them (validate_cpuid=no)", evidence
            )
        return warn(
            f"NIM has stored cpuid {stored}, and {s.ref.client} has {actual}, as after a move to another frame (LPM)",
            f"nim -Fo change -a cpuid={actual} {s.ref.client}; where clients move often, NIM can be told not to compare"
            " them (validate_cpuid of the master)",
            evidence,
        )
    return refuse(
        FailureCode.CLIENT_IDENTITY,
        f"NIM has stored cpuid {stored}, and the machine that answers as {s.host} has {actual}",
        f"if {s.ref.client} was moved to another frame (LPM) or rebuilt: nim -Fo change -a cpuid={actual}"
        f" {s.ref.client}; if not, {s.host} leads to another machine",
        evidence,
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
