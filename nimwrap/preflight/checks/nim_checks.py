"""What NIM's own database says: tools, the client's object, its name, its state, what is allocated to it."""

from __future__ import annotations

import json
import re

from nimwrap.aix import lsnim, ps
from nimwrap.aix.classify import classify
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.did_you_mean import nearest_names
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import ok, refuse, skip, warn
from nimwrap.domain.names import NIM_NAME_LIMIT, is_nim_name
from nimwrap.images.kinds.registry import KINDS, kinds_for
from nimwrap.preflight.check_context import CheckContext

_OPERATION = re.compile(r"-[A-Za-z]*o")


def tools(s: CheckContext) -> Finding:
    """``nim``, ``lsnim``, ``exportfs`` and the channel's own method must be there."""
    absent = s.on_master.tools_missing.need()
    if not absent:
        return ok("nim, lsnim and exportfs are there")
    return refuse(
        FailureCode.NIM_REFUSED,
        f"{s.ref.master} has no {', '.join(absent)}: it is not a NIM master, or not one that this user may use",
        "check `host` of this master in the configuration; on a NIM master `lslpp -l bos.sysmgt.nim.master` lists it",
    )


_OPEN_TO_ALL = (("restrict_nfs_exports", "no"), ("global_export", "yes"))
_NFS = ("nfs_vers", "nfs_sec", "nfs_domain")


def master_settings(s: CheckContext) -> Finding:
    """What the master's own object says about NFS (aix-nim section 3.3; aix-audit, end of section 3)."""
    itself = s.on_master.objects.need().get(lsnim.MASTER)
    if itself is None:
        return skip("the master's own object is not listed")
    listed = {key: (itself.first(key) or "").lower() for key in (*dict(_OPEN_TO_ALL), *_NFS)}
    told = ", ".join(f"{key}={value}" for key, value in listed.items() if value)
    if s.source.actual == s.source.expected:
        return ok(told or "NFS as NIM has it from the start", _listed(itself))
    if any(listed[key] == value for key, value in _OPEN_TO_ALL):
        return warn(
            f"{told}: NIM exports to every host, and lets root write only from the addresses that it knows. Where the"
            " client's differs, its mount succeeds and its writing fails (write_denied)",
            "a remedy that exports by itself is not concerned; to undo the setting: nim -o change"
            " -a restrict_nfs_exports=yes -a global_export=no master",
            _listed(itself),
        )
    if listed["nfs_vers"] == "4" or listed["nfs_sec"] not in ("", "sys"):
        return warn(
            f"{told}: NIM's own operation uses it; nimwrap's own mount asks for version 3 first, then for"
            " whatever the server gives",
            "try `nimwrap check` and one backup of one client; where the server takes only version 4, its words are in"
            " the failure",
            _listed(itself),
        )
    return ok(told or "NFS as NIM has it from the start", _listed(itself))


def client_known(s: CheckContext) -> Finding:
    """The master must list the client, as a machine of a type that the configured kinds fit."""
    objects = s.on_master.objects
    if objects.value is None:
        said = classify(objects.raw, 1)
        code = said.code if said.code is FailureCode.NIM_REFUSED else FailureCode.UNKNOWN
        message = f"{objects.why}: nothing is known of {s.ref.client}"
        return refuse(code, message, "on the master: /usr/sbin/lsnim -l", objects.raw)
    if s.nim is None:
        return _unknown(s, objects.value)
    wanted = {type_ for kind in s.policy.kinds for type_ in KINDS[kind].machine_types}
    if s.nim.type in wanted:
        return ok(f"{s.nim.class_} {s.nim.type}", _listed(s.nim))
    return refuse(
        FailureCode.NIM_REFUSED if s.nim.type == "vios" else FailureCode.CLIENT_UNKNOWN,
        f"{s.ref.client} is a {s.nim.type or 'nameless'} object, and kinds = {list(s.policy.kinds)} is for"
        f" {' and '.join(sorted(wanted))}",
        f"set `kinds` for this client{_fitting(s.nim.type)}",
        _listed(s.nim),
    )


def _fitting(machine_type: str) -> str:
    """The kinds that would fit, in words; empty where none does."""
    kinds = kinds_for([machine_type])
    return f": of a {machine_type} can be made {json.dumps(kinds)}" if kinds else ""


def _unknown(s: CheckContext, objects: dict[str, lsnim.NimObject]) -> Finding:
    near = nearest_names(s.ref.client, objects)
    hint = f"; the nearest name is {near[0]}" if near else ""
    return refuse(
        FailureCode.CLIENT_UNKNOWN,
        f"{s.ref.master} has no NIM object named {s.ref.client!r}{hint}",
        "`lsnim -t standalone` on the master lists its clients",
    )


def _listed(found: lsnim.NimObject) -> str:
    return "\n".join(f"{key} = {value}" for key, values in found.attributes.items() for value in values)


def name_rule(s: CheckContext) -> Finding:
    """Names that NIM or a shell would not take go no further (peers section 2.6)."""
    if not is_nim_name(s.ref.client):
        return refuse(
            FailureCode.NAME_INVALID,
            f"{s.ref.client[:80]!r} is not a NIM name: 1 to {NIM_NAME_LIMIT} letters, digits, - ! _ and no dot",
            "define the client under such a name",
        )
    found = s.object()
    if s.host is not None:
        return ok(f"{s.ref.client}, called by the name {s.host}")
    shown = found.interfaces[0].host[:80] if found.interfaces else None
    message = f"if1 names the host {shown!r}, which is no host name" if shown else "the object has no if1"
    return refuse(
        FailureCode.NAME_INVALID,
        message,
        f"correct it: nim -o change -a if1='NETWORK HOST 0' {s.ref.client}",
        "\n".join(found.attributes.get("if1", ())),
    )


def control(s: CheckContext) -> Finding:
    """A client may forbid its master to start anything (``nimclient -P``, aix-nim section 2.6)."""
    held = " ".join(s.object().attributes.get("control", ()))
    if "push_off" in held:
        return refuse(
            FailureCode.CLIENT_UNREACHABLE,
            f"{s.ref.client} does not let its master start anything (push_off)",
            "on the client: nimclient -p",
            f"control = {held}",
        )
    return ok(f"control = {held}" if held else "not taken by anybody")


def cstate(s: CheckContext) -> Finding:
    """Only "ready for ..." is ready; who is at work is looked up among the master's processes."""
    found = s.object()
    working = operations(s.on_master.processes.value or [], {s.ref.client, s.host or s.ref.client})
    evidence = "\n".join([f"Cstate = {found.cstate}", *(process.line for process in working)])
    if found.cstate is None:
        return skip("the object has no Cstate", _listed(found))
    if found.ready and not working:
        return _unlocked(s, found, found.cstate)
    by_whom = f"; on the master runs: {working[0].command[:200]}" if working else ""
    cron = "if it comes from an old crontab line, take that out (crontab -l on the master)"
    if found.ready:
        message = f"NIM calls {s.ref.client} ready, but an operation on it is running{by_whom}"
        return warn(message, f"wait for it to end; {cron}", evidence)
    return refuse(
        FailureCode.CLIENT_BUSY,
        f"NIM has {s.ref.client} in the state: {found.cstate}{by_whom}",
        f"wait for it to end; {cron if working else f'when nothing runs any more: nim -Fo reset {s.ref.client}'}",
        evidence,
    )


def _unlocked(s: CheckContext, found: lsnim.NimObject, state: str) -> Finding:
    """NIM's lock of an object is a process number; whether a process that was killed leaves it is not public."""
    holder = found.first("locked")
    if not holder or holder == "0":
        return ok(state)
    return warn(
        f"NIM calls {s.ref.client} ready, and locked by process {holder}, which is no operation on it that runs here."
        " NIM may refuse it (client_busy)",
        f"on the master: ps -p {holder}; where it is gone or somebody else's by now: nim -Fo reset {s.ref.client}",
        _listed(found),
    )


def operations(processes: list[ps.Process], names: set[str]) -> list[ps.Process]:
    """The outermost ``nim -o`` processes that name one of these machines."""
    found = [
        process
        for process in processes
        if process.program == "nim"
        and _OPERATION.match(" ".join(process.arguments[:1]))
        and names & set(" ".join(process.arguments).replace("=", " ").split())
    ]
    pids = {process.pid for process in found}
    return [process for process in found if process.parent not in pids]


def allocated(s: CheckContext) -> Finding:
    """Leftovers on the client, and images of its directory that are allocated and so exported (aix-nim section 3.1)."""
    s.object()
    held = [
        (name, found.first("alloc_count") or "0")
        for name, found in (s.on_master.objects.value or {}).items()
        if found.type == lsnim.MKSYSB and s.path and (found.first("location") or "").startswith(f"{s.path}/")
    ]
    exported = [name for name, count in held if count.isdecimal() and int(count) > 0]
    if exported:
        return warn(
            f"allocated for an installation, so that NIM exports the file itself: {', '.join(exported)}",
            "let the installation end, or: nim -o deallocate -a mksysb=NAME MACHINE; while the file is exported its"
            " directory cannot be",
            "\n".join(f"{name}: alloc_count = {count}" for name, count in held),
        )
    if s.allocated:
        kind, name = s.allocated[0]
        return warn(
            f"resources are allocated to {s.ref.client}: {', '.join(f'{kind} {name}' for kind, name in s.allocated)}",
            f"if no installation is due: nim -o deallocate -a {kind}={name} {s.ref.client}",
        )
    return ok("nothing is allocated")
