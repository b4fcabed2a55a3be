"""Copy proven images to the places of ``[copies]``, drop what ``keep`` does not want, read copies back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from nimwrap.actions.recover_masters import recover_in
from nimwrap.copies.copy_plan import CopyState, plan_copies, wanted_places
from nimwrap.copies.copy_removal import CopyRemoval, drop_superfluous, foreseen_removals
from nimwrap.copies.disk_in_use import disk_in_use
from nimwrap.copies.make_copy import CopyResult, make_copy, work_on
from nimwrap.copies.settle_copies import known_copy
from nimwrap.copies.verify_copies import CopyCheck, verify_copy
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.ref import ClientRef
from nimwrap.fleet.session import Session, open_session
from nimwrap.images.reverify import writing_in

if TYPE_CHECKING:
    from nimwrap.config.model import Config, CopyConfig
    from nimwrap.history.sqlite.queries import Reader

ChosenClients = Callable[["Reader"], Sequence[ClientRef]]


@dataclass(frozen=True)
class CopyPass:
    """What came of one pass, or what a dry run says would be done. ``troubles``: why masters could not be asked."""

    results: list[CopyResult] = field(default_factory=list)
    removals: list[CopyRemoval] = field(default_factory=list)
    troubles: list[NimwrapError] = field(default_factory=list)


Wanted = dict[ClientRef, list["CopyConfig"]]


def copy_images(
    config: Config, chosen: ChosenClients, to: str | None, tell: Callable[[CopyResult], None], *, dry_run: bool
) -> CopyPass:
    """Copy what is missing of the chosen clients, one after the other; with ``to`` to that place alone."""
    with open_session(config) as session:
        wanted = _wanted(config, chosen(session.reader), lambda place: to in (None, place.name))
        if dry_run:
            return _foreseen(session, wanted)
        masters = dict.fromkeys(ref.master for ref in wanted)
        troubles = recover_in(session, masters).troubles
        found = copy_in(session, {ref: each for ref, each in wanted.items() if ref.master not in troubles}, tell)
        found.troubles[:0] = troubles.values()
    return found


def copy_after_run(session: Session, refs: Iterable[ClientRef], tell: Callable[[CopyResult], None]) -> CopyPass:
    """What is copied once a fleet run is over: to the places that say so."""
    return copy_in(session, _wanted(session.config, list(refs), lambda place: bool(place.after)), tell)


def copy_in(session: Session, wanted: Wanted, tell: Callable[[CopyResult], None]) -> CopyPass:
    """Copy and drop for these clients in an open session. Raises Interrupted when told to leave."""
    found = CopyPass()
    for master in dict.fromkeys(ref.master for ref in wanted):
        mine = {ref: places for ref, places in wanted.items() if ref.master == master}
        try:
            _copy_on(session, master, mine, found, tell)
        except NimwrapError as error:
            found.troubles.append(error)
    return found


def _copy_on(
    session: Session, master: str, wanted: Wanted, found: CopyPass, tell: Callable[[CopyResult], None]
) -> None:
    context, reader = session.master_context(master), session.reader
    planned = plan_copies(reader.images(master), reader.copies(master), wanted, session.clock.now())
    if planned:
        busy = writing_in(context, reader)
        for one in planned:
            session.clock.check()
            copies = reader.copies(master, one.row.client)
            if why := disk_in_use(context, one, busy):
                failure = Failure(FailureCode.LOCKED, why, "the next run, or `nimwrap images copy`, copies it")
                work = work_on(context, one, copies)
                result = CopyResult(one, work.kind.location(work.order), failure, skipped=True)
            else:
                result = make_copy(context, one, copies)
            found.results.append(result)
            tell(result)
    for ref, places in wanted.items():
        for place in places:
            found.removals.extend(drop_superfluous(context, ref, place, session.clock.now()))


def _foreseen(session: Session, wanted: Wanted) -> CopyPass:
    found = CopyPass()
    now = session.clock.now()
    for ref, places in wanted.items():
        context = session.master_context(ref.master)
        images, copies = session.reader.images(ref.master, ref.client), session.reader.copies(ref.master, ref.client)
        for planned in plan_copies(images, copies, {ref: places}, now):
            work = work_on(context, planned, copies)
            found.results.append(CopyResult(planned, work.kind.location(work.order)))
        for place in places:
            going = foreseen_removals(context, ref, place, now)
            found.removals.extend(CopyRemoval(copy, True, f"keep = {place.keep}") for copy in going)
    return found


def verify_copies(
    config: Config, chosen: ChosenClients, tell: Callable[[CopyCheck], None]
) -> tuple[list[CopyCheck], list[NimwrapError]]:
    """Read back every copy of the chosen clients that was ever proven; and why masters could not be asked."""
    done: list[CopyCheck] = []
    with open_session(config) as session:
        refs = set(chosen(session.reader))
        troubles = recover_in(session, dict.fromkeys(ref.master for ref in refs)).troubles
        for copy in session.reader.copies():
            if copy.master in troubles or not copy.made or copy.state not in (CopyState.OK, CopyState.FAILED):
                continue
            if ClientRef(*copy.key) not in refs:
                continue
            context = session.master_context(copy.master)
            planned = known_copy(context, copy)
            if planned is None:
                continue
            try:
                done.append(verify_copy(context, planned, copy, session.reader.copies(*copy.key)))
                tell(done[-1])
            except NimwrapError as error:
                troubles[copy.master] = error
    return done, list(troubles.values())


def _wanted(config: Config, refs: Sequence[ClientRef], meant: Callable[[CopyConfig], bool]) -> Wanted:
    places = wanted_places(config, [ref for ref in refs if ref.master in config.masters])
    chosen = {ref: [place for place in each if meant(place)] for ref, each in places.items()}
    return {ref: each for ref, each in chosen.items() if each}
