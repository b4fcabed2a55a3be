"""The recovery table: every combination has a row, every row is reached, and none does harm where nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from enum import StrEnum
from functools import cache
from itertools import product
from typing import get_type_hints

import pytest

from nimwrap.backup.recovery_acts import ACTS
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
from nimwrap.backup.recovery_table import TABLE, Do, RecoveryRow, as_markdown, decide
from tests.running import ROOT

COLUMNS: dict[str, tuple[StrEnum, ...]] = {
    field.name: tuple(get_type_hints(Seen)[field.name]) for field in fields(Seen)
}
HALF = 6

LOOKS = frozenset({Do.LOOK_AGAIN, Do.LEAVE, Do.STAY_OPEN, Do.LEAVE_RUNNING, Do.TELL, Do.TAKE_LOCK})
"""What changes nothing for a client."""
FINDS_OUT = LOOKS | {Do.FOLLOW, Do.SETTLE, Do.END_OPERATION}
"""What may be done without knowing the undo's answer: by it that becomes known."""
REMOVES = frozenset({Do.CLEAR, Do.REMOVE_DIRECTORY})
CONCLUDES = frozenset({Do.WRITE_UNDO, Do.JUDGE, Do.RECORD, Do.CLOSE_RUN, Do.CLEAN_UP, Do.PUT_ASIDE, *REMOVES})


def has(row: RecoveryRow, actions: frozenset[Do]) -> bool:
    return any(action in actions for action in row.actions)


RULES: dict[str, Callable[[Seen, RecoveryRow], bool]] = {
    "nothing is done where directory or operation is unknown": lambda seen, row: (
        DirectoryIs.UNKNOWN is not seen.directory and OperationIs.UNKNOWN is not seen.operation
    ),
    "nothing is done while its owner lives or may live, but ending it for a cancel": lambda seen, row: (
        seen.owner in (OwnerIs.SELF, OwnerIs.NOBODY) or row.actions == (Do.END_OPERATION,)
    ),
    "nothing is done for a client that another holds, or may hold": lambda seen, row: (
        seen.lock not in (LockIs.ANOTHERS, LockIs.UNKNOWN)
        or row.name == "cancelled"
        or seen.run is RunIs.FOREIGN
        or (seen.run is RunIs.CLOSED and seen.directory is DirectoryIs.GONE)
    ),
    "nothing but what finds it out is done while the undo's answer is unknown": lambda seen, row: (
        seen.undo is not UndoIs.UNKNOWN or not any(action not in FINDS_OUT for action in row.actions)
    ),
    "nothing is concluded or closed while the operation is at work": lambda seen, row: (
        seen.operation is not OperationIs.ALIVE or not has(row, CONCLUDES)
    ),
    "no directory goes, and nothing is closed, while an undo is due or unanswered": lambda seen, row: (
        seen.undo in (UndoIs.NONE, UndoIs.STANDS) or not has(row, REMOVES | {Do.CLOSE_RUN, Do.PUT_ASIDE})
    ),
    "no directory goes while its change stands": lambda seen, row: (
        seen.undo is not UndoIs.STANDS or not has(row, REMOVES)
    ),
    "nothing is written down about an undo that has not answered": lambda seen, row: (
        Do.WRITE_UNDO not in row.actions or seen.undo in (UndoIs.REVERTED, UndoIs.REFUSED, UndoIs.FOREIGN)
    ),
    "a recorded image is never cleaned away, nor judged again": lambda seen, row: (
        seen.image is ImageIs.NONE or not has(row, frozenset({Do.CLEAN_UP, Do.JUDGE}))
    ),
    "what another made is never cleaned away": lambda seen, row: (
        seen.place is PlaceIs.OURS or Do.CLEAN_UP not in row.actions
    ),
    "nothing is cleaned up before its end was judged": lambda seen, row: (
        seen.end in (EndIs.FAILED, EndIs.RECORDED) or Do.CLEAN_UP not in row.actions
    ),
    "nothing goes or is closed while its end is judged but not recorded": lambda seen, row: (
        seen.end in (EndIs.UNJUDGED, EndIs.RECORDED)
        or not has(row, REMOVES | {Do.CLOSE_RUN, Do.PUT_ASIDE})
        or seen.lock is LockIs.UNASKED
    ),
    "an open run that has a directory and no image is never closed unjudged": lambda seen, row: (
        Do.CLOSE_RUN not in row.actions
        or seen.directory is not DirectoryIs.THERE
        or seen.image is not ImageIs.NONE
        or seen.end is EndIs.RECORDED
    ),
    "of another nimwrap's only the undo is run": lambda seen, row: (
        seen.run is not RunIs.FOREIGN or row.actions == (Do.UNDO_OF_ANOTHER,)
    ),
    "only an open run is closed": lambda seen, row: seen.run is RunIs.OPEN or Do.CLOSE_RUN not in row.actions,
}


def everything() -> Iterator[tuple[tuple[StrEnum, ...], int]]:
    """Every combination there can be, with the number of the row that decides it, -1 without one."""
    masks = [
        {value: sum(1 << i for i, row in enumerate(TABLE) if value in row.when.get(name, {value})) for value in values}
        for name, values in COLUMNS.items()
    ]

    def half(columns: list[dict[StrEnum, int]]) -> list[tuple[tuple[StrEnum, ...], int]]:
        found = []
        for values in product(*columns):
            mask = -1
            for value, column in zip(values, columns, strict=True):
                mask &= column[value]
            found.append((values, mask))
        return found

    tails = half(masks[HALF:])
    for head, one in half(masks[:HALF]):
        for tail, other in tails:
            fitting = one & other
            yield head + tail, (fitting & -fitting).bit_length() - 1


@cache
def enumerated() -> tuple[int, set[str], dict[str, str]]:
    """How many combinations there are, the rows that decide one, and the broken rules, each with an example."""
    count, reached = 0, set()
    broken: dict[str, str] = {}
    acting = [any(action not in LOOKS for action in row.actions) for row in TABLE]
    for values, index in everything():
        count += 1
        assert index >= 0, f"no row for {values}"
        reached.add(index)
        if acting[index]:
            seen, row = Seen(*values), TABLE[index]  # type: ignore[arg-type]  # in the order of the columns
            broken |= {rule: f"{row.name}: {seen}" for rule, holds in RULES.items() if not holds(seen, row)}
    return count, {TABLE[index].name for index in reached}, broken


def test_every_combination_has_one_deciding_row_and_every_row_decides_one() -> None:
    count, reached, _ = enumerated()
    assert count == 1_658_880
    assert {row.name for row in TABLE} - reached == set()
    assert len({row.name for row in TABLE}) == len(TABLE)


@pytest.mark.parametrize("rule", RULES)
def test_no_row_does_harm(rule: str) -> None:
    _, _, broken = enumerated()
    assert broken.get(rule) is None


def test_every_action_is_one_and_ends_a_row_or_looks_again() -> None:
    assert set(ACTS) | {Do.LOOK_AGAIN} == set(Do)
    assert {action for row in TABLE for action in row.actions} == set(Do)
    assert [row.name for row in TABLE if Do.LOOK_AGAIN in row.actions[:-1]] == []


AFTER: dict[Do, Callable[[Seen], list[Seen]]] = {
    Do.TAKE_LOCK: lambda seen: [replace(seen, lock=one) for one in LockIs if one is not LockIs.UNASKED],
    Do.FOLLOW: lambda seen: [
        replace(seen, operation=OperationIs.NONE, directory=DirectoryIs.GONE),
        *(replace(seen, operation=one) for one in (OperationIs.ENDED, OperationIs.BROKEN, OperationIs.UNKNOWN)),
    ],
    Do.SETTLE: lambda seen: [
        replace(seen, operation=OperationIs.ENDED, undo=one) for one in UndoIs if one is not UndoIs.DUE
    ],
    Do.RUN_UNDO: lambda seen: [
        replace(seen, undo=one) for one in (UndoIs.REVERTED, UndoIs.REFUSED, UndoIs.FOREIGN, UndoIs.UNKNOWN)
    ],
    Do.UNDO_FROM_JOURNAL: lambda seen: [
        replace(seen, undo=one) for one in (UndoIs.NONE, UndoIs.STANDS, UndoIs.UNKNOWN)
    ],
    Do.WRITE_UNDO: lambda seen: [replace(seen, undo=one) for one in (UndoIs.NONE, UndoIs.STANDS)],
    Do.JUDGE: lambda seen: [replace(seen, end=one) for one in (EndIs.GOOD, EndIs.FAILED)],
    Do.CLEAN_UP: lambda seen: [replace(seen, rest=one) for one in (RestIs.NONE, RestIs.LEFT)],
    Do.CLEAR_CLIENT: lambda seen: [replace(seen, rest=one) for one in (RestIs.NONE, RestIs.LEFT)],
    Do.RECORD: lambda seen: [
        replace(seen, end=EndIs.RECORDED, image=ImageIs.NONE if seen.end is EndIs.FAILED else ImageIs.PLACED)
    ],
}
"""What may be seen once an action was done after which the table is asked again: every answer that it can bring."""


def test_whoever_follows_the_table_comes_to_an_end() -> None:
    """From every state of an own, orphaned or closed attempt, whatever each question is answered."""
    depth: dict[Seen, int] = {}

    def longest(seen: Seen, path: tuple[Seen, ...]) -> int:
        assert seen not in path, f"goes round at {decide(seen).name}: {seen}"
        if seen not in depth:
            row = decide(seen)
            after = AFTER[row.actions[0]](seen) if row.actions[-1] is Do.LOOK_AGAIN else []
            depth[seen] = 1 + max((longest(one, (*path, seen)) for one in after), default=0)
        return depth[seen]

    starts = [
        Seen(wish, owner, run, directory, operation, lock, undo, end, image, PlaceIs.OURS, RestIs.UNSEEN)
        for wish, owner, run, directory, operation, lock, undo, end, image in product(
            (WishIs.LEAVE, WishIs.FOLLOW),
            (OwnerIs.SELF, OwnerIs.NOBODY),
            (RunIs.OPEN, RunIs.CLOSED),
            DirectoryIs,
            OperationIs,
            (LockIs.UNASKED, LockIs.OURS),
            UndoIs,
            EndIs,
            (ImageIs.NONE, ImageIs.PLACED),
        )
    ]
    assert max(longest(seen, ()) for seen in starts) <= 10


def test_the_page_shows_the_table_as_it_is() -> None:
    assert as_markdown() in (ROOT / "docs/how-it-works.md").read_text()
