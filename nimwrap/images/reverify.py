"""Looking again at images that were good once: quick for many in one round trip, full one by one within a time.

``quick``: size as recorded, header readable, of the recorded host, resource in place. ``full``: the whole image is
read: its ``cksum`` against the one taken when it was new, and ``restore -T`` where there is none or it was never run.
A fault found by a full read is only cleared by a full read.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from nimwrap.config.model import Config
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.findings import Failure
from nimwrap.domain.sighting import FileIdentity
from nimwrap.history.model import ImageRow
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images import image_probe
from nimwrap.images.image_fault import SEEN, ImageFault, fault_columns
from nimwrap.images.image_probe import Depth, Place, ProbedImage
from nimwrap.images.kinds.registry import home, kind_of
from nimwrap.images.sightings import identity_columns
from nimwrap.images.verification import (
    CKSUM_LIMIT_S,
    READ_LIMIT_S,
    file_fault,
    first_line,
    header_fault,
    host_fault,
    resource_fault,
)
from nimwrap.master_context import MasterContext

if TYPE_CHECKING:
    from nimwrap.history.ports import Queries

QUICK, FULL = "quick", "full"
BATCH = 20
NO_TIME = "no time was left"
FEWEST_NAMES = 0.5
"""Of the files that the backup counted, an image must hold so many: it may count otherwise, but not by that much."""


@dataclass(frozen=True)
class Check:
    """One image looked at again. ``ok`` None: it was not, and ``skipped`` says why; ``cksum``: of a full read."""

    row: ImageRow
    level: str | None
    ok: bool | None
    fault: ImageFault | None = None
    warnings: tuple[str, ...] = ()
    skipped: str | None = None
    cksum: str | None = None
    identity: FileIdentity | None = None


@dataclass(frozen=True)
class Budget:
    """``left`` tells the seconds that remain; None without a limit."""

    left: Callable[[], float | None]

    def bound(self, seconds: int) -> int:
        """At most ``seconds``, less when less is left; 0 when nothing is."""
        left = self.left()
        return seconds if left is None else max(0, min(seconds, int(left)))


def oldest_first(rows: Iterable[ImageRow]) -> list[ImageRow]:
    """By the time of the last look, never looked at before all others."""
    return sorted(rows, key=lambda row: (row.verified_full_at or "", row.verified_at or "", row.created))


def due_for_full(rows: Iterable[ImageRow], config: Config, now: datetime) -> list[ImageRow]:
    """Those whose last full read, or else whose making, is older than ``verify_full_every``; none where that is 0."""
    due = []
    for row in rows:
        every = timedelta(seconds=config.policy(row.master, row.client).verify_full_every)
        if every and now - parse_rfc3339(row.verified_full_at or row.created) > every:
            due.append(row)
    return oldest_first(due)


def writing_in(context: MasterContext, reader: Queries) -> frozenset[str]:
    """Directories in which a backup is running, by anybody's nimwrap: nothing is read there meanwhile."""
    locks = context.host.run(f"{PREAMBLE}ls {shlex.quote(context.master.spool)}/locks 2>/dev/null\n")
    clients = {*locks.stdout.split(), *(str(run.client) for run in reader.open_runs(context.master.name))}
    return frozenset(home(client, context.config.policy(context.master.name, client)) for client in clients)


def verify(
    context: MasterContext,
    rows: Sequence[ImageRow],
    full: Sequence[ImageRow],
    busy: frozenset[str],
    budget: Budget,
    now: datetime,
) -> Iterator[Check]:
    """Check ``rows`` quickly and ``full`` by reading them, recording each result before the next image is begun."""
    in_full = {row.id for row in full}
    quick = [row for row in rows if row.id not in in_full]
    for start in range(0, len(quick), BATCH):
        for check in _quick(context, quick[start : start + BATCH], busy, budget):
            yield _record(context, check, now)
    for row in full:
        yield _record(context, _full(context, row, busy, budget), now)


def _place(row: ImageRow) -> Place:
    return Place(kind_of(row.kind), row.location, row.resource)


def _skip(row: ImageRow, busy: frozenset[str], budget: Budget) -> Check | None:
    directory = str(PurePosixPath(row.location).parent)
    if directory in busy:
        return Check(row, None, None, skipped=f"a backup is running in {directory}")
    return Check(row, None, None, skipped=NO_TIME) if budget.bound(1) == 0 else None


def _quick(context: MasterContext, rows: Sequence[ImageRow], busy: frozenset[str], budget: Budget) -> list[Check]:
    skipped = [check for row in rows if (check := _skip(row, busy, budget))]
    left = [row for row in rows if row.id not in {check.row.id for check in skipped}]
    asked = [question for row in left for question in image_probe.questions(_place(row), tag=f"_{row.id}")]
    given = image_probe.ask(context.host, asked, timeout=600) if asked else {}
    checks = []
    for row in left:
        seen = image_probe.seen(_place(row), given, tag=f"_{row.id}")
        if why := seen.unjudged(_place(row)):
            checks.append(Check(row, None, None, skipped=why))
            continue
        failure = quick_fault(row, seen)
        checks.append(Check(row, QUICK, failure is None, ImageFault.found(failure, QUICK) if failure else None))
    return [*skipped, *checks]


def quick_fault(row: ImageRow, seen: ProbedImage) -> Failure | None:
    """What a look at file, header and resource says against a recorded image."""
    place = _place(row)
    fault = file_fault(seen, place)
    if fault is None and seen.size_bytes != row.size_bytes:
        smaller = (seen.size_bytes or 0) < row.size_bytes
        fault = Failure(
            FailureCode.IMAGE_TRUNCATED if smaller else FailureCode.IMAGE_UNREADABLE,
            f"{place.location} has {seen.size_bytes} bytes, {row.size_bytes} were recorded",
            "Find out who wrote to it; it is not the image that was proven.",
            seen.file_says,
        )
    return (
        fault
        or header_fault(seen, place, row.size_bytes)
        or host_fault(seen, row.node, row.machine_id)
        or resource_fault(seen, place)
    )


def _full(context: MasterContext, row: ImageRow, busy: frozenset[str], budget: Budget) -> Check:
    skipped = _skip(row, busy, budget)
    if skipped:
        return skipped
    read_too = row.cksum is None or row.verified_full_at is None
    depth = Depth(budget.bound(CKSUM_LIMIT_S) or None, (budget.bound(READ_LIMIT_S) or None) if read_too else None)
    asked = image_probe.questions(_place(row), depth)
    seen = image_probe.seen(
        _place(row), image_probe.ask(context.host, asked, timeout=CKSUM_LIMIT_S + READ_LIMIT_S + 600)
    )
    if why := seen.unjudged(_place(row)):
        return Check(row, None, None, skipped=why)
    failure = quick_fault(row, seen) or full_fault(row, seen)
    if failure:
        return Check(row, FULL, False, ImageFault.found(failure, FULL))
    if seen.unanswered:
        return Check(row, None, None, skipped=f"{NO_TIME} to read it to its end")
    taken = seen.checksum.text if seen.checksum else None
    return Check(row, FULL, True, warnings=tuple(_count_warning(row, seen)), cksum=taken, identity=seen.identity)


def full_fault(row: ImageRow, seen: ProbedImage) -> Failure | None:
    """What reading all of it says against a recorded image."""
    where = row.location
    if seen.read is not None and seen.read.available and seen.read.returncode != 0:
        return Failure(
            FailureCode.IMAGE_UNREADABLE,
            f"{where} cannot be read to its end: {first_line(seen.read.says) or 'restore -T failed'}",
            "Make a new image; this one would not restore.",
            seen.read.says,
        )
    if (names := _too_few_names(row, seen)) is not None:
        return Failure(
            FailureCode.IMAGE_UNREADABLE,
            f"{where} can be read to its end, but holds {names}",
            "Make a new image; this one would restore little or nothing.",
            f"restore -T listed {seen.read.files if seen.read else 0} files",
        )
    if seen.checksum is not None and row.cksum and seen.checksum.text != row.cksum:
        return Failure(
            FailureCode.IMAGE_UNREADABLE,
            f"{where} has changed since it was new: cksum {seen.checksum.text}, was {row.cksum}",
            "Make a new image; see whether the disk or the filesystem reports errors (errpt).",
        )
    return None


def _too_few_names(row: ImageRow, seen: ProbedImage) -> str | None:
    """What is wrong with the number of names in an image that was read to its end; None when it may be right."""
    if seen.read is None or not seen.read.available:
        return None
    if not seen.read.files:
        return "not one file"
    fewer = bool(row.file_count) and seen.read.files < (row.file_count or 0) * FEWEST_NAMES
    return f"{seen.read.files} files, where the backup itself counted {row.file_count}" if fewer else None


def _count_warning(row: ImageRow, seen: ProbedImage) -> Iterator[str]:
    """Fewer names in the image than the backup said it wrote: told, not judged, for it may count otherwise."""
    if seen.read is not None and seen.read.available and row.file_count and seen.read.files < row.file_count:
        yield f"{seen.read.files} files were read, the backup itself counted {row.file_count}"


def _record(context: MasterContext, check: Check, now: datetime) -> Check:
    """Write the result down, unless the row was changed meanwhile: then what it says now is taken into account.

    A quick look neither clears nor displaces the fault of a full read; no look clears a fault that it did not know of.
    """
    if check.ok is None:
        return check
    judged = row = check.row
    while True:
        told = _weighed(check, ImageFault.of(judged), ImageFault.of(row))
        changed = context.store.update_image_if(row, **_values(told, row, now))
        if changed is None:
            break
        if (changed.location, changed.size_bytes, changed.removed) != (judged.location, judged.size_bytes, None):
            return Check(changed, None, None, skipped="the image was given another place, or went, meanwhile")
        row = changed
    if told.fault and told.fault != ImageFault.of(judged):
        context.note(row.run, "verify", f"{row.resource or row.location}: {told.fault}", at=now)
    return told


def _weighed(check: Check, known: ImageFault | None, stands: ImageFault | None) -> Check:
    """``check`` against the fault that stands in the row; ``known`` is the one that stood there when it began.

    That the file is another one than was recorded only reading all of it outweighs.
    """
    unseen = stands is not None and stands != known and check.ok
    stronger = stands is not None and check.level == QUICK and stands.level in (FULL, SEEN)
    return replace(check, ok=False, fault=stands) if unseen or stronger else check


def _values(check: Check, row: ImageRow, now: datetime) -> dict[str, object]:
    values: dict[str, object] = {**fault_columns(check.fault, now), "verified_at": now}
    if check.level == FULL:
        values["verified_full_at"] = now
    if check.ok:
        found = ["file", *([kind_of(row.kind).proof.reader or ""] if kind_of(row.kind).proof.reader else [])]
        found += ["cksum"] if check.level == FULL else []
        values |= identity_columns(check.identity) if check.identity else {}
        cksum = row.cksum or check.cksum
        values |= {"verified": True, "cksum": cksum, "verified_by": list(dict.fromkeys([*row.verified_by, *found]))}
    return values
