"""One master as the doctor sees it: one round trip, harmless questions, each answer a check."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from nimwrap.aix import lslpp, lsnim, oslevel
from nimwrap.clients.exports_left import ExportRows, exports_script, left_exports, read_exports
from nimwrap.config.model import MasterConfig
from nimwrap.domain.durations import format_duration
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import fail, named, ok, warn
from nimwrap.hosts.connect import open_master
from nimwrap.hosts.piecewise import C_RSH
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import Answer, Question, answers, questionnaire
from nimwrap.images.kinds.registry import machine_types
from nimwrap.locks.lock_scripts import heartbeats_script, parse_heartbeats
from nimwrap.locks.watched_heartbeat import tells_no_age
from nimwrap.preflight.facts import read
from nimwrap.preflight.master_facts import parse_clock
from nimwrap.service.doctor.alternate_checks import alternate_checks

FILESET = "bos.sysmgt.nim.master"
_LIMIT_S = 30
_WHOLE_S = 120
_CLOCK_S = 300


@dataclass(frozen=True)
class MasterSeen:
    """What a master answered. ``clock_off_s``: how far its clock is ahead of ours; None when it did not tell."""

    master: MasterConfig
    answers: Mapping[str, Answer]
    clock_off_s: float | None


def master_checks(
    master: MasterConfig,
    open_runs: frozenset[str],
    rows: ExportRows,
    now: Callable[[], datetime],
    known: frozenset[str] = frozenset(),
) -> list[Finding]:
    """Everything about one master; when it cannot be reached, that alone. ``known`` as alternate_checks takes it."""
    host = None
    try:
        host = open_master(master)
        seen = _ask(host, master, now)
    except NimwrapError as error:
        return [named(f"reach:{master.name}", fail(error.message, error.hint))]
    finally:
        if host is not None:
            host.close()
    if not seen.answers:
        message = f"{master.name} let us in and answered nothing within {_WHOLE_S} s"
        return [named(f"reach:{master.name}", fail(message, "log in by hand and see what hangs"))]
    rest = (*_heartbeats(seen), *_exports(seen, rows), *_alternate(seen, known))
    return [*_findings(seen, open_runs), *rest]


def _ask(host: Host, master: MasterConfig, now: Callable[[], datetime]) -> MasterSeen:
    spool = shlex.quote(master.spool)
    tools = ["/usr/sbin/nim", lsnim.LSNIM, "/usr/sbin/exportfs", *([C_RSH] if master.client_channel != "ssh" else [])]
    asked = [
        Question("clock", "date -u", _LIMIT_S),
        Question("user", "id -u", _LIMIT_S),
        Question("tools", f"for f in {' '.join(tools)}; do [ -x $f ] || echo $f; done", _LIMIT_S),
        Question("oslevel", shlex.join(oslevel.argv()), _LIMIT_S),
        Question("level", shlex.join(lslpp.argv(FILESET)), _LIMIT_S),
        Question("master", shlex.join(lsnim.long_argv("master")), _LIMIT_S),
        Question("clients", shlex.join(lsnim.table_argv(class_="machines")), _LIMIT_S),
        Question(
            "spool",
            f"d={spool}; while [ ! -d $d ]; do d=${{d%/*}}; d=${{d:-/}}; done; "
            "if [ -w $d ]; then echo writable $d; else echo readonly $d; fi",
            _LIMIT_S,
        ),
        Question("exports", exports_script(master.spool), _LIMIT_S),
        Question("objects", lsnim.listing(*machine_types()), _LIMIT_S),
        Question("beats", heartbeats_script(master.spool), _LIMIT_S),
        Question("rooms", f"[ ! -d {spool} ] || ls {spool}", _LIMIT_S),
    ]
    nonce = secrets.token_hex(6)
    before = now()
    result = host.run(questionnaire(asked, nonce), timeout=_WHOLE_S)
    after = now()
    found = answers(result.stdout, nonce)
    clock = read(found, "clock", "date -u", parse_clock).value
    off = None
    if clock is not None:  # it was asked first, so its moment lies near the beginning
        off = 0.0 if before.replace(microsecond=0) <= clock <= after else (clock - before).total_seconds()
    return MasterSeen(master, found, off)


def _findings(seen: MasterSeen, open_runs: frozenset[str]) -> Iterator[Finding]:
    name = seen.master.name
    yield _reached(seen)
    yield _tools(seen)
    yield _level(seen)
    yield _clients(seen)
    yield _spool(seen)
    yield from _rooms(seen, open_runs)
    if seen.clock_off_s is None:
        yield named(f"clock:{name}", warn("its clock could not be read", "see `date -u` there"))
    elif abs(seen.clock_off_s) > _CLOCK_S:
        off = f"{format_duration(abs(seen.clock_off_s))} {'ahead of' if seen.clock_off_s > 0 else 'behind'} ours"
        yield named(
            f"clock:{name}", warn(f"its clock is {off}", "set both by NTP: names and ages of images depend on it")
        )
    else:
        yield named(f"clock:{name}", ok("the same as ours"))


def _reached(seen: MasterSeen) -> Finding:
    check = f"reach:{seen.master.name}"
    user = seen.answers.get("user")
    level = read(seen.answers, "oslevel", "oslevel -s", oslevel.parse).value
    way = f"{seen.master.transport} {seen.master.host}" if seen.master.remote else seen.master.transport
    if user is not None and user.output.strip() not in ("0", ""):
        fix = 'become = "sudo", or user = "root"'
        return named(check, fail(f"answers over {way}, but as user {user.output.strip()[:20]}, not as root", fix))
    return named(check, ok(f"answers over {way}{f', AIX {level}' if level else ''}"))


def _tools(seen: MasterSeen) -> Finding:
    check, answer = f"tools:{seen.master.name}", seen.answers.get("tools")
    if answer is None or answer.unknown or answer.failed:
        return named(check, warn("it did not say which tools it has", "run nimwrap doctor again"))
    missing = answer.output.split()
    if missing:
        fix = f"is it a NIM master? installp the fileset {FILESET}, then nimconfig"
        return named(check, fail(f"missing there: {', '.join(missing)}", fix))
    return named(check, ok("nim, lsnim, exportfs and the client channel are there"))


def _level(seen: MasterSeen) -> Finding:
    """The level of the fileset, and whether its database knows itself as master."""
    check = f"nim_level:{seen.master.name}"
    itself = read(seen.answers, "master", "lsnim -l master", lsnim.parse_long)
    if itself.value is None:
        said = (itself.raw.strip().splitlines() or [itself.why])[0]
        return named(
            check, fail(f"its NIM database does not answer: {said}", "on the master: /usr/sbin/lsnim -l master")
        )
    level = read(seen.answers, "level", "lslpp", lambda text: lslpp.parse(text, FILESET) or "").value
    if not level:
        return named(check, warn(f"the level of {FILESET} could not be read", f"on the master: lslpp -Lqc {FILESET}"))
    return named(check, ok(f"{FILESET} {level}"))


def _clients(seen: MasterSeen) -> Finding:
    check = f"clients:{seen.master.name}"
    rows = read(seen.answers, "clients", "lsnim", lsnim.parse_table)
    if rows.value is None:
        return named(check, fail(f"its clients are not listed: {rows.why}", "on the master: lsnim -c machines"))
    count = sum(row.type in machine_types() for row in rows.value)
    if count == 0:
        return named(check, warn("NIM knows no client", "define some: nim -o define -t standalone"))
    return named(
        check, ok(f"{count} client{'' if count == 1 else 's'} in NIM; `nimwrap check --all` asks each of them")
    )


def _alternate(seen: MasterSeen, known: frozenset[str]) -> Iterator[Finding]:
    itself = read(seen.answers, "master", "lsnim -l master", lsnim.parse_long).value or {}
    rows = read(seen.answers, "clients", "lsnim", lsnim.parse_table).value or []
    return alternate_checks(seen.master.name, itself.get(lsnim.MASTER), rows, known)


def _exports(seen: MasterSeen, rows: ExportRows) -> Iterator[Finding]:
    """What is exported there beside what the journal says."""
    check = f"exports:{seen.master.name}"
    told = read(seen.answers, "exports", "exportfs", read_exports).value
    objects = read(seen.answers, "objects", "lsnim -l", lsnim.parse_long).value
    if told is None or objects is None:
        yield named(check, warn("it did not say what it exports", "on the master: exportfs; cat /etc/exports"))
        return
    resting = {one.interfaces[0].host: one.name for one in objects.values() if one.interfaces and one.ready}
    left = left_exports(told, rows, resting)
    yield from (named(check, fail(one.why, one.cure) if one.open else warn(one.why, one.cure)) for one in left)
    if not left:
        yield named(check, ok("nothing of ours stands without a reason"))


def _heartbeats(seen: MasterSeen) -> Iterator[Finding]:
    """Locks and slots whose heartbeat is not of this time: their age cannot be told."""
    answer = seen.answers.get("beats")
    odd = [] if answer is None else [name for name, age in parse_heartbeats(answer.output) if tells_no_age(age)]
    if odd:
        fix = "nimwrap recover; each is taken over once its operation is gone and it was watched for ten minutes"
        yield named(f"heartbeats:{seen.master.name}", warn(f"not of this time: {', '.join(odd[:5])}", fix))


def _spool(seen: MasterSeen) -> Finding:
    check, answer = f"spool:{seen.master.name}", seen.answers.get("spool")
    word, _, directory = ("" if answer is None else answer.output.strip()).partition(" ")
    if word == "writable":
        there = directory == seen.master.spool
        return named(check, ok(f"{seen.master.spool} {'can be written' if there else 'will be made'}"))
    return named(check, fail(f"{seen.master.spool} cannot be written", f"set another spool of {seen.master.name}"))


def _rooms(seen: MasterSeen, open_runs: frozenset[str]) -> Iterator[Finding]:
    """Operations in the spool that no run of ours stands for."""
    answer = seen.answers.get("rooms")
    rooms = [
        name for name in ([] if answer is None else answer.output.split()) if name not in ("locks", "slots", "limits")
    ]
    unexplained = [name for name in rooms if name.partition(".left-")[0] not in open_runs]
    if unexplained:
        names = ", ".join(unexplained[:5])
        said = f"{len(unexplained)} in {seen.master.spool} that this history has no open run for: {names}"
        fix = "nimwrap recover; another installation's: nimwrap recover --foreign RUN, once it is gone"
        yield named(f"leftovers:{seen.master.name}", warn(said, fix))
    elif rooms:
        yield named(f"leftovers:{seen.master.name}", ok(f"{len(rooms)} operations, all of open runs"))
