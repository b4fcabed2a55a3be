"""One call for all that wait: who asks, who listens, and what each gets."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import pytest

from nimwrap.hosts.shared_call import SharedCall


def nothing() -> None:
    """Never told to leave."""


def test_all_that_are_followed_get_their_news_by_one_call() -> None:
    shared: SharedCall[int, int] = SharedCall()
    asked: list[list[int]] = []
    go_on = threading.Event()

    def ask(subjects: Sequence[int]) -> Mapping[str, int]:
        asked.append(sorted(subjects))
        go_on.wait(20)
        return {str(subject): subject * len(asked) for subject in subjects}

    got: dict[str, int] = {}
    with ExitStack() as stack:
        for number in range(8):
            stack.enter_context(shared.following(str(number), number))
        threads = [
            threading.Thread(target=lambda name=str(number): got.update({name: shared.next(name, ask, nothing)}))
            for number in range(8)
        ]
        for thread in threads:
            thread.start()
        go_on.set()
        for thread in threads:
            thread.join(20)
    assert got == {str(number): number for number in range(8)}
    assert asked == [list(range(8))]


def test_news_are_given_once_and_then_asked_for_again() -> None:
    shared: SharedCall[str, int] = SharedCall()
    count = 0

    def ask(subjects: Sequence[str]) -> Mapping[str, int]:
        nonlocal count
        count += 1
        return dict.fromkeys(subjects, count)

    with shared.following("a", "a"), shared.following("b", "b"):
        assert [shared.next("a", ask, nothing), shared.next("b", ask, nothing)] == [1, 1]
        assert [shared.next("a", ask, nothing), shared.next("a", ask, nothing)] == [2, 3]


def test_a_call_that_fails_is_the_callers_trouble_and_the_next_one_asks_again() -> None:
    shared: SharedCall[str, int] = SharedCall()

    def lost(_: Sequence[str]) -> Mapping[str, int]:
        raise ConnectionError("lost")

    with shared.following("a", "a"):
        with pytest.raises(ConnectionError):
            shared.next("a", lost, nothing)
        assert shared.next("a", lambda subjects: dict.fromkeys(subjects, 1), nothing) == 1


def test_an_answer_without_ones_own_part_is_no_answer() -> None:
    shared: SharedCall[str, int] = SharedCall()
    with shared.following("a", "a"), pytest.raises(ValueError, match="says nothing of a"):
        shared.next("a", lambda _: {}, nothing)


def test_one_who_listens_may_be_told_to_leave() -> None:
    shared: SharedCall[str, int] = SharedCall()
    asking, go_on = threading.Event(), threading.Event()

    def ask(subjects: Sequence[str]) -> Mapping[str, int]:
        asking.set()
        go_on.wait(20)
        return dict.fromkeys(subjects, 1)

    def leave() -> None:
        raise InterruptedError

    with shared.following("a", "a"), shared.following("b", "b"):
        leader = threading.Thread(target=lambda: shared.next("a", ask, nothing))
        leader.start()
        assert asking.wait(20)
        with pytest.raises(InterruptedError):
            shared.next("b", ask, leave)
        go_on.set()
        leader.join(20)
