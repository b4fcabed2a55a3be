"""The client itself: rootvg, what runs there, what is installed, what is left out."""

from __future__ import annotations

from collections.abc import Sequence

from nimwrap.aix import exclude_rootvg, lsvg
from nimwrap.aix.exclude_rootvg import ExcludeFile
from nimwrap.aix.ps import Process
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import ok, refuse, skip, warn
from nimwrap.images.kinds.registry import client_programs
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.client_facts import LIMIT_S, SYSBR, ClientFacts
from nimwrap.preflight.facts import Missing


def rootvg(s: CheckContext) -> Finding:
    """A locked rootvg lets lsvg, and mksysb, wait for ever (0516-1201, aix-nim section 5.4)."""
    fact = s.client.rootvg
    fix = "on the client: look for an LVM command at work (ps -ef | grep vg); only if there is none: chvg -u rootvg"
    if lsvg.locked(fact.raw):
        return refuse(FailureCode.ROOTVG_LOCKED, f"rootvg of {s.ref.client} is locked", fix, fact.raw)
    if fact.missing is Missing.TIMED_OUT:
        message = f"`lsvg rootvg` on {s.ref.client} did not end within {LIMIT_S} s and says nothing of a lock"
        return warn(message, fix, fact.raw)
    group = fact.need()
    if group.state != "active":
        return warn(f"rootvg is {group.state}", "on the client: lsvg rootvg", fact.raw)
    return ok("rootvg is active and not locked")


def backups_running(facts: ClientFacts) -> tuple[Process, ...]:
    """What makes an image and is at work on the client."""
    return tuple(process for process in facts.processes.value or [] if process.program in client_programs())


def busy(s: CheckContext) -> Finding:
    """No second mksysb beside a running one: both would write the same /image.data.

    A process that the master shows under the same number is in a table which both see (the master is the global
    environment of a WPAR, or two simulated hosts are one machine), so it says nothing about this client.
    """
    s.client.processes.need()
    seen = [*(s.on_master.processes.value or []), *(s.names.processes.value or [])]
    shared = {(process.pid, process.command) for process in seen}
    running = [one for one in backups_running(s.client) if (one.pid, one.command) not in shared]
    if not running:
        return ok(f"no {' or '.join(client_programs())} is running on the client")
    return refuse(
        FailureCode.CLIENT_BUSY,
        f"a {running[0].program} is running on {s.ref.client} already: {running[0].command}",
        "wait for it to end; if it comes from an old crontab line, remove that line (crontab -l on client and master)",
        "\n".join(process.line for process in running),
    )


def filesets(s: CheckContext) -> Finding:
    """mksysb and savevg come with bos.sysmgt.sysbr."""
    level = s.client.sysbr.need()
    if level:
        return ok(f"{SYSBR} {level}")
    return refuse(
        FailureCode.NIM_REFUSED,
        f"{SYSBR} is not installed on {s.ref.client}: there is no mksysb",
        f"install it from the client's lpp_source: nim -o cust -a lpp_source=NAME -a filesets={SYSBR} {s.ref.client}",
        s.client.sysbr.raw,
    )


def exclude_file(s: CheckContext) -> Finding:
    """Flag ``e`` reads /etc/exclude.rootvg (aix-nim section 2.2)."""
    if "e" not in s.policy.mksysb_flags:
        if s.policy.exclude_rootvg:
            return warn(
                "exclude_rootvg is set, and mksysb_flags has no e: nothing is left out", "add e to mksysb_flags"
            )
        return skip("mksysb_flags has no e")
    found = s.client.exclude_file.need()
    if s.policy.exclude_rootvg:
        return _as_wanted(s, found)
    if found.patterns is None:
        return warn(
            "the client has no /etc/exclude.rootvg: flag e of mksysb_flags is left out, and nothing else is",
            "make it on the client, with lines such as ^./tmp/ (anchored), or take e out of mksysb_flags",
        )
    if not found.unanchored:
        return ok("/etc/exclude.rootvg is there")
    mounts = [one.mounted_on for one in s.client.mounts.value or () if not one.node]
    told = [_drops(pattern, exclude_rootvg.dropped(pattern, mounts)) for pattern in found.unanchored[:_PATTERNS]]
    more = len(found.unanchored) - len(told)
    return warn(
        f"/etc/exclude.rootvg has patterns without ^, which drop wherever they match: {'; '.join(told)}"
        + (f"; and {more} more" if more else ""),
        "anchor each at the root, such as ^./tmp/, and take empty lines out; what is dropped is in no image",
        "\n".join(found.patterns),
    )


def _as_wanted(s: CheckContext, found: ExcludeFile) -> Finding:
    """Whether the client's file, and what NIM has for it, are what the configuration wants."""
    drift = exclude_rootvg.drift(s.policy.exclude_rootvg, found)
    nims = s.nim.attributes.get("exclude_files", ()) if s.nim else ()
    if nims:
        drift = f"{drift + '; ' if drift else ''}NIM has {', '.join(nims)} allocated to it, which goes before that file"
    if not drift:
        return ok("/etc/exclude.rootvg holds what exclude_rootvg says")
    cure = f"nimwrap images exclude {s.ref.client} shows it; with --apply it is written"
    return warn(f"/etc/exclude.rootvg is not what exclude_rootvg says: {drift}", cure, "\n".join(found.patterns or ()))


_PATTERNS = 5
"""So many are told with what they drop."""


def _drops(pattern: str, directories: Sequence[str]) -> str:
    name = repr(pattern) if pattern else "an empty line"
    shown = ", ".join(directories[:6]) + (" ..." if len(directories) > 6 else "")
    return f"{name} drops files below {shown}" if shown else f"{name} matches in the middle of a path too"
