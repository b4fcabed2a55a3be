"""What to do with an attempt of a run that has not come to its end: a pure function of what was seen of it.

One table for everybody who meets one: the process that made it, `recover`, `cancel`, `serve` and late clean-up. The
first row that fits decides. Where nobody knows, a row waits or asks; no such row changes, closes or removes anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

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


class Do(StrEnum):
    """What can be done, in the words of the table."""

    LOOK_AGAIN = "look again"
    LEAVE = "leave it"
    STAY_OPEN = "leave it open and say why"
    LEAVE_RUNNING = "leave it running"
    END_OPERATION = "end the operation, client side first"
    UNDO_OF_ANOTHER = "stop what is left of it and run its undo"
    TAKE_LOCK = "take the client's lock and look under it"
    FOLLOW = "follow the operation to its end"
    SETTLE = "stop what is left, clear the client, run the undo"
    RUN_UNDO = "run the undo"
    UNDO_FROM_JOURNAL = "run an undo made from the journal"
    WRITE_UNDO = "write down what the undo said"
    JUDGE = "prove the image or name the failure"
    CLEAN_UP = "clean up client and master"
    CLEAR_CLIENT = "clear the client"
    RECORD = "record the end and the image"
    NAME_AND_RETAIN = "fixed name, retention"
    PUT_ASIDE = "free the slot, put the directory aside"
    REMOVE_DIRECTORY = "free the slot, remove the directory"
    CLOSE_RUN = "close the run"
    GIVE_BACK = "give back lock and slot"
    CLEAR = "give back lock and slot, remove the directory"
    TELL = "say what is left"


@dataclass(frozen=True)
class RecoveryRow:
    """One row: decides what is ``seen`` as it says, whatever the other columns hold."""

    name: str
    when: Mapping[str, frozenset[StrEnum]]
    actions: tuple[Do, ...]
    why: str

    def fits(self, seen: Seen) -> bool:
        return all(getattr(seen, column) in values for column, values in self.when.items())


def _row(name: str, why: str, actions: Do | tuple[Do, ...], **when: StrEnum | tuple[StrEnum, ...]) -> RecoveryRow:
    pattern = {key: frozenset(value if isinstance(value, tuple) else (value,)) for key, value in when.items()}
    return RecoveryRow(name, pattern, actions if isinstance(actions, tuple) else (actions,), why)


_RECORDED = (ImageIs.STAGED, ImageIs.PLACED)
_ANSWERED = (UndoIs.REVERTED, UndoIs.REFUSED, UndoIs.FOREIGN)

TABLE: tuple[RecoveryRow, ...] = (
    _row(
        "cancelled",
        "its owner, or the next recover, sees the end and closes the run",
        Do.END_OPERATION,
        wish=WishIs.CANCEL,
        run=RunIs.OPEN,
        directory=DirectoryIs.THERE,
        operation=(OperationIs.ALIVE, OperationIs.BROKEN),
    ),
    _row("nothing to cancel", "whoever owns the run looks before it begins anything", Do.LEAVE, wish=WishIs.CANCEL),
    _row("owned", "only the living process that owns it goes on with it", Do.LEAVE, owner=OwnerIs.LIVING),
    _row("owner unknown", "it may live", Do.LEAVE, owner=OwnerIs.UNKNOWN),
    _row("directory unknown", "an unseen directory is not a missing one", Do.STAY_OPEN, directory=DirectoryIs.UNKNOWN),
    _row("operation unknown", "it may be at work", Do.STAY_OPEN, operation=OperationIs.UNKNOWN),
    _row("another's, at work", "it has a nimwrap of its own", Do.LEAVE, run=RunIs.FOREIGN, operation=OperationIs.ALIVE),
    _row("another's, undo unknown", "its own recover knows", Do.LEAVE, run=RunIs.FOREIGN, undo=UndoIs.UNKNOWN),
    _row(
        "another's, undo due",
        "its nimwrap is proven gone; no export stays open for it, its record stays for it",
        Do.UNDO_OF_ANOTHER,
        run=RunIs.FOREIGN,
        undo=UndoIs.DUE,
    ),
    _row(
        "another's, broken off",
        "its nimwrap is proven gone",
        Do.UNDO_OF_ANOTHER,
        run=RunIs.FOREIGN,
        operation=OperationIs.BROKEN,
    ),
    _row("another's", "its record stays for its own recover", Do.LEAVE, run=RunIs.FOREIGN),
    _row(
        "still at work",
        "nobody asked to wait, and its wrapper ends it in time",
        Do.LEAVE_RUNNING,
        wish=WishIs.LEAVE,
        operation=OperationIs.ALIVE,
    ),
    _row("locked by another", "somebody works on the client", Do.STAY_OPEN, lock=LockIs.ANOTHERS),
    _row("lock unknown", "somebody may work on the client", Do.STAY_OPEN, lock=LockIs.UNKNOWN),
    _row("undo unknown", "the export may stand", Do.STAY_OPEN, undo=UndoIs.UNKNOWN),
    _row(
        "never begun",
        "no directory, no image, no change: nothing of it is on the master",
        (Do.CLOSE_RUN, Do.GIVE_BACK),
        owner=OwnerIs.NOBODY,
        run=RunIs.OPEN,
        directory=DirectoryIs.GONE,
        operation=OperationIs.NONE,
        undo=UndoIs.NONE,
        image=ImageIs.NONE,
        lock=LockIs.UNASKED,
    ),
    _row(
        "closed, change open, directory gone",
        "the journal knows what was added where; the script gives way to whoever works there",
        (Do.UNDO_FROM_JOURNAL, Do.LOOK_AGAIN),
        run=RunIs.CLOSED,
        directory=DirectoryIs.GONE,
        undo=UndoIs.LOST,
    ),
    _row(
        "closed, change stands, directory gone",
        "a person has to look",
        Do.TELL,
        run=RunIs.CLOSED,
        directory=DirectoryIs.GONE,
        undo=UndoIs.STANDS,
    ),
    _row(
        "closed and gone",
        "there is nothing",
        Do.LEAVE,
        run=RunIs.CLOSED,
        directory=DirectoryIs.GONE,
        lock=LockIs.UNASKED,
    ),
    _row(
        "unlocked",
        "nothing is changed for a client but under its lock",
        (Do.TAKE_LOCK, Do.LOOK_AGAIN),
        lock=LockIs.UNASKED,
    ),
    _row(
        "at work",
        "its end is waited for; its timeout ends it",
        (Do.FOLLOW, Do.LOOK_AGAIN),
        operation=OperationIs.ALIVE,
    ),
    _row(
        "broken off",
        "what the dead wrapper could not do",
        (Do.SETTLE, Do.LOOK_AGAIN),
        directory=DirectoryIs.THERE,
        operation=OperationIs.BROKEN,
    ),
    _row(
        "undo due",
        "it is run before anything is written down about it",
        (Do.RUN_UNDO, Do.LOOK_AGAIN),
        directory=(DirectoryIs.THERE, DirectoryIs.ASIDE),
        undo=UndoIs.DUE,
    ),
    _row(
        "undo lost",
        "a missing undo is not an undone export",
        (Do.UNDO_FROM_JOURNAL, Do.LOOK_AGAIN),
        undo=(UndoIs.DUE, UndoIs.LOST),
    ),
    _row("undo answered", "now it is known", (Do.WRITE_UNDO, Do.LOOK_AGAIN), undo=_ANSWERED),
    _row(
        "ended",
        "the evidence decides, not the row",
        (Do.JUDGE, Do.LOOK_AGAIN),
        directory=DirectoryIs.THERE,
        image=ImageIs.NONE,
        end=EndIs.UNJUDGED,
    ),
    _row(
        "ended, directory gone",
        "its own process still knows what it saw",
        (Do.JUDGE, Do.LOOK_AGAIN),
        owner=OwnerIs.SELF,
        image=ImageIs.NONE,
        end=EndIs.UNJUDGED,
    ),
    _row(
        "failed",
        "only after the judgement; an image of another that bears the name is never touched",
        (Do.CLEAN_UP, Do.LOOK_AGAIN),
        image=ImageIs.NONE,
        end=EndIs.FAILED,
        place=PlaceIs.OURS,
        rest=RestIs.UNSEEN,
    ),
    _row(
        "failed, late",
        "taken away is only what the end of the attempt saw",
        (Do.CLEAN_UP, Do.LOOK_AGAIN),
        directory=(DirectoryIs.THERE, DirectoryIs.ASIDE),
        image=ImageIs.NONE,
        end=EndIs.RECORDED,
        place=PlaceIs.OURS,
        rest=RestIs.UNSEEN,
    ),
    _row(
        "good, client not cleared",
        "the image stays, only the client is cleared",
        (Do.CLEAR_CLIENT, Do.LOOK_AGAIN),
        end=EndIs.GOOD,
        rest=RestIs.UNSEEN,
    ),
    _row(
        "recorded, client not cleared",
        "the image stays, only the client is cleared",
        (Do.CLEAR_CLIENT, Do.LOOK_AGAIN),
        image=_RECORDED,
        rest=RestIs.UNSEEN,
    ),
    _row(
        "judged",
        "it is written down before the directory goes",
        (Do.RECORD, Do.LOOK_AGAIN),
        end=(EndIs.GOOD, EndIs.FAILED),
    ),
    _row(
        "own, change stands",
        "recover comes back for it",
        Do.PUT_ASIDE,
        owner=OwnerIs.SELF,
        directory=DirectoryIs.THERE,
        undo=UndoIs.STANDS,
    ),
    _row(
        "own, something left",
        "recover comes back for it",
        Do.PUT_ASIDE,
        owner=OwnerIs.SELF,
        directory=DirectoryIs.THERE,
        rest=RestIs.LEFT,
    ),
    _row(
        "own, failed",
        "nothing is left; the run may go on with another attempt",
        Do.REMOVE_DIRECTORY,
        owner=OwnerIs.SELF,
        directory=DirectoryIs.THERE,
        image=ImageIs.NONE,
    ),
    _row("own, good", "the directory stays until the run is closed", Do.LEAVE, owner=OwnerIs.SELF),
    _row(
        "late, change stands",
        "it waits aside",
        (Do.PUT_ASIDE, Do.TELL, Do.GIVE_BACK),
        run=RunIs.CLOSED,
        directory=DirectoryIs.THERE,
        undo=UndoIs.STANDS,
    ),
    _row(
        "late, something left",
        "it waits aside",
        (Do.PUT_ASIDE, Do.TELL, Do.GIVE_BACK),
        run=RunIs.CLOSED,
        directory=DirectoryIs.THERE,
        rest=RestIs.LEFT,
    ),
    _row("aside, change stands", "it waits", (Do.TELL, Do.GIVE_BACK), run=RunIs.CLOSED, undo=UndoIs.STANDS),
    _row("aside, something left", "it waits", (Do.TELL, Do.GIVE_BACK), run=RunIs.CLOSED, rest=RestIs.LEFT),
    _row("late, all clean", "nothing is left", Do.CLEAR, run=RunIs.CLOSED),
    _row(
        "orphan, change stands",
        "the run ends, its change waits aside",
        (Do.NAME_AND_RETAIN, Do.PUT_ASIDE, Do.CLOSE_RUN, Do.TELL, Do.GIVE_BACK),
        directory=DirectoryIs.THERE,
        undo=UndoIs.STANDS,
    ),
    _row(
        "orphan, something left",
        "the run ends, what is left waits aside",
        (Do.NAME_AND_RETAIN, Do.PUT_ASIDE, Do.CLOSE_RUN, Do.TELL, Do.GIVE_BACK),
        directory=DirectoryIs.THERE,
        rest=RestIs.LEFT,
    ),
    _row(
        "orphan, change stands, directory gone",
        "the journal keeps it open",
        (Do.NAME_AND_RETAIN, Do.CLOSE_RUN, Do.TELL, Do.GIVE_BACK),
        undo=UndoIs.STANDS,
    ),
    _row(
        "orphan, all known",
        "nothing is left, and all of it is written down",
        (Do.NAME_AND_RETAIN, Do.CLOSE_RUN, Do.CLEAR),
        directory=(DirectoryIs.THERE, DirectoryIs.GONE),
    ),
    _row(
        "orphan's earlier attempt",
        "put aside; it is cleaned when the run is closed",
        Do.GIVE_BACK,
        directory=DirectoryIs.ASIDE,
    ),
)


def decide(seen: Seen) -> RecoveryRow:
    """The row that says what to do. Every combination has one; the last rows leave nothing over."""
    return next(row for row in TABLE if row.fits(seen))


def as_markdown() -> str:
    """The table as docs/how-it-works.md shows it."""
    lines = ["| | what was seen | what is done | why |", "|---|---|---|---|"]
    order = [field.name for field in fields(Seen)]
    for number, row in enumerate(TABLE, 1):
        parts = [
            f"{column} {' or '.join(value for value in type(next(iter(values))) if value in values)}"
            for column, values in sorted(row.when.items(), key=lambda item: order.index(item[0]))
        ]
        lines.append(f"| {number} {row.name} | {'; '.join(parts)} | {'; '.join(row.actions)} | {row.why} |")
    return "\n".join(lines) + "\n"
