"""One attempt on its way to its end: what was seen of it, and what this process has done about it already."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from nimwrap.backup.attempt_record import AttemptResult
from nimwrap.backup.cleanup import NOTHING_SEEN, EndSeen, recorded_image
from nimwrap.backup.export_journal import unfinished_changes
from nimwrap.backup.finalize import AttemptOutcome
from nimwrap.backup.operation import poll
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.backup.recovery_seen import (
    DirectoryIs,
    EndIs,
    ImageIs,
    LockIs,
    OperationIs,
    OwnerIs,
    PlaceIs,
    RestIs,
    RunIs,
    Seen,
    UndoIs,
    WishIs,
)
from nimwrap.domain.attempt_plan import NAME_TAKEN, AttemptPlan
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import Attempt
from nimwrap.history.model import AttemptRow, ImageRow, RunRow
from nimwrap.master_context import MasterContext
from nimwrap.remedies.undo import UNDONE, UndoStatus


@dataclass
class Recovered:
    """What was done: run ids. ``running``: adopted later, still at work. ``notes``: for a person."""

    closed: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    cleaned: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class UnfinishedAttempt:
    """``context`` becomes the guarded one with the lock; ``name`` is the operation's directory in the spool.

    ``planned``: None when the run came to no plan, so that nothing was begun for it, or it is another nimwrap's.
    ``status``: the operation as last seen; before the lock is held, as far as a look at the whole spool tells it.
    ``silent``, ``undo_silent``: the master did not say how the operation stands, or what its undo did; ``why``: what is
    in the way, for a person.
    """

    context: MasterContext
    run: str
    planned: AttemptPlan | None
    name: str
    status: OperationStatus
    owner: OwnerIs = OwnerIs.NOBODY
    wish: WishIs = WishIs.LEAVE
    state: RunIs = RunIs.OPEN
    directory: DirectoryIs = DirectoryIs.THERE
    lock: LockIs = LockIs.UNASKED
    why: str = ""
    row: RunRow | None = None
    attempt_row: AttemptRow | None = None
    attempt: Attempt | None = None
    done: Recovered = field(default_factory=Recovered)
    held: ExitStack = field(default_factory=ExitStack)
    image: ImageRow | None = None
    change_open: bool = False
    silent: bool = False
    undo_silent: bool = False
    settled: bool = False
    undo_tried: bool = False
    undo_written: bool = False
    open_change: str = ""
    judged: AttemptOutcome | None = None
    recorded: AttemptResult | None = None
    left: list[str] | None = None
    end_seen: EndSeen = NOTHING_SEEN
    kept: Failure | None = None

    @property
    def plan(self) -> AttemptPlan:
        assert self.planned is not None, f"nothing was planned for {self.run}"  # noqa: S101  rows with a plan only
        return self.planned

    @property
    def there(self) -> AttemptPlan:
        """The plan as its directory is called by now."""
        return replace(self.plan, run=self.name)

    def look(self) -> None:
        """See anew what the master and the history say of it: under the lock, what was seen before is a memory."""
        self.look_up()
        if self.directory in (DirectoryIs.THERE, DirectoryIs.ASIDE):
            self.ask(lambda: poll(self.context, self.there, 0))

    def look_up(self) -> None:
        """See anew what the history says of it."""
        if self.planned is not None:
            self.image = recorded_image(self.context, self.planned)
            self.change_open = self.planned.change in {row.id for row in unfinished_changes(self.context)}

    def ask(self, question: Callable[[], OperationStatus]) -> bool:
        """See what the master answers; False when it is silent, which is then seen instead."""
        try:
            self.saw(question())
        except NimwrapError as error:
            if error.code != FailureCode.MASTER_UNREACHABLE:
                raise
            self.silent, self.why = True, error.message
        return not self.silent

    def saw(self, status: OperationStatus) -> None:
        self.status = status
        if not status.room and self.directory is not DirectoryIs.UNKNOWN:
            self.directory = DirectoryIs.GONE

    def seen(self) -> Seen:
        """The record by which the table decides."""
        return Seen(
            wish=self.wish,
            owner=self.owner,
            run=self.state,
            directory=self.directory,
            operation=self._operation(),
            lock=self.lock,
            undo=self._undo(),
            end=self._end(),
            image=self._image(),
            place=PlaceIs.ANOTHERS if self.status.output.strip() == NAME_TAKEN else PlaceIs.OURS,
            rest=self._rest(),
        )

    def _operation(self) -> OperationIs:
        if self.silent:
            return OperationIs.UNKNOWN
        if self.directory is DirectoryIs.GONE:
            return OperationIs.NONE
        if self.status.done or self.settled:
            return OperationIs.ENDED
        return OperationIs.ALIVE if self.status.alive else OperationIs.BROKEN

    def _undo(self) -> UndoIs:
        if self.undo_silent:
            return UndoIs.UNKNOWN
        if self.undo_written:
            return UndoIs.STANDS if self.open_change else UndoIs.NONE
        told = self.status.undo_status is None or self.status.undo_status != UndoStatus.REVERTED
        spoken = told or self.status.undo_says == UNDONE or self.lock is LockIs.UNASKED
        if self.directory is DirectoryIs.GONE or not self.status.undo or not spoken:
            lost = self.change_open and self._operation() is not OperationIs.ALIVE
            return UndoIs.LOST if lost else UndoIs.NONE
        if self.status.undo_status == UndoStatus.REVERTED:
            return UndoIs.REVERTED
        if not self.undo_tried:
            return UndoIs.DUE
        return UndoIs.FOREIGN if self.status.undo_status == UndoStatus.FOREIGN else UndoIs.REFUSED

    def _end(self) -> EndIs:
        """An end that only the rows tell of is judged again while the run is open: what came after it may be missing.

        What is put aside was recorded before.
        """
        if self.recorded is not None or self.directory is DirectoryIs.ASIDE or self.state is RunIs.CLOSED:
            return EndIs.RECORDED
        if self.judged is not None:
            return EndIs.GOOD if self.judged.good else EndIs.FAILED
        return EndIs.UNJUDGED

    def _image(self) -> ImageIs:
        made = self.image or (self.recorded.image if self.recorded else None)
        if made is None:
            return ImageIs.NONE
        staged = self.plan.staging is not None and made.location == self.plan.staged
        return ImageIs.STAGED if staged else ImageIs.PLACED

    def _rest(self) -> RestIs:
        if self.left is not None:
            return RestIs.LEFT if self.left else RestIs.NONE
        unclean = RestIs.UNSEEN if self.status.unclean else RestIs.NONE
        if self._image() is not ImageIs.NONE or (self.judged is not None and self.judged.good):
            return unclean
        if self.judged is None and self.directory is DirectoryIs.GONE:
            return RestIs.NONE
        if self.state is RunIs.CLOSED and self.directory is DirectoryIs.THERE:
            return unclean
        return RestIs.UNSEEN
