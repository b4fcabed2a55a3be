"""The controller alone, on masters without surprises: where it settles, what it never does, and what it says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nimwrap.domain.knee import KNEES, LOSS, Knee, unknown
from nimwrap.domain.parallelism import (
    CAREFUL_S,
    Controller,
    Observation,
    Remembered,
    begin,
    most_from,
    observe,
    remembered,
)
from nimwrap.domain.write_rates import Change

OWN = 15e6
POLL_S = 10.0


class Steady:
    """A master that carries exactly ``knee`` images at their own pace, shared by all that write; nobody's noise."""

    def __init__(self, knee: float, loss: float, length: float) -> None:
        self.knee, self.loss, self.length = knee, loss, length
        self.images: dict[str, float] = {}
        self.made = 0

    def step(self, cap: int) -> dict[str, int]:
        """Fill up to ``cap``, write for one poll, drop what is whole, and show the sizes."""
        while len(self.images) < cap:
            self.made += 1
            self.images[f"image{self.made}"] = 1.0
        crowd = len(self.images)
        pace = OWN * min(1.0, (self.knee / crowd) ** (1 + self.loss))
        for name in self.images:
            # They are of many lengths, so that they do not all end together.
            self.images[name] += pace * POLL_S
        shown = {name: int(size) for name, size in self.images.items()}
        for name, size in shown.items():
            if size > OWN * self.length * (0.5 + int(name[5:]) * 0.37 % 1.0):
                del self.images[name]
        return shown


def run(master: Steady, polls: int, limit: int = 16, memory: Remembered | None = None) -> list[Controller]:
    state, states = begin(limit, memory), []
    for number in range(polls):
        state = observe(state, Observation(number * POLL_S, master.step(state.cap)))
        states.append(state)
    return states


@pytest.mark.parametrize("loss", [0.1, 0.3, 0.7])
@pytest.mark.parametrize("knee", [1.0, 1.5, 2.7, 4.4, 6.2, 9.3, 12.0, 15.0])
def test_around_a_fixed_knee_it_never_leaves_it_by_more_than_a_step(knee: float, loss: float) -> None:
    states = run(Steady(knee, loss, 600 + 80 * knee), 700)
    settled = [state.wanted for state in states[350:]]
    middle = median(settled)
    assert all(abs(wanted - middle) <= 1 for wanted in settled)
    totals = [min(wanted, knee) * min(1.0, (knee / wanted) ** loss) for wanted in settled]
    assert sum(totals) / len(totals) >= (0.85 if knee >= 2 else 0.6) * knee


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 40),
    st.lists(
        st.tuples(
            st.floats(0, 400),
            st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 10**12)),
            st.integers(0, 5),
            st.integers(0, 4),
            st.one_of(st.none(), st.integers(0, 50)),
        ),
        max_size=40,
    ),
)
def test_whatever_it_sees_it_never_goes_above_the_limit_or_the_space_nor_below_one(
    limit: int, polls: Sequence[tuple[float, dict[str, int], int, int, int | None]]
) -> None:
    state, at = begin(limit), 0.0
    for later, sizes, proving, troubles, allowed in polls:
        at += later
        state = observe(state, Observation(at, sizes, proving, troubles, allowed))
        assert 1 <= state.wanted <= limit
        assert 1 <= state.cap <= limit
        assert state.cap <= max(1, limit if allowed is None else allowed)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 12), st.integers(1, 6), st.floats(0, 1), st.floats(0.03, 0.12))
def test_those_that_slow_one_another_are_never_joined_by_more(
    before: int, more: int, worse: float, error: float
) -> None:
    nothing_gained = -(1 + LOSS) * math.log((before + more) / before)
    knee = unknown().after(Change(before, before + more, nothing_gained - worse, error))
    assert most_from(knee, 16) <= before + more


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0.001, 1), min_size=len(KNEES), max_size=len(KNEES)), st.integers(1, 30), st.integers(0, 10))
def test_a_higher_limit_never_means_fewer(weights: list[float], limit: int, more: int) -> None:
    knee = Knee(tuple(weight / sum(weights) for weight in weights))
    assert most_from(knee, limit) <= most_from(knee, limit + more)


def test_nobody_starves_however_much_goes_wrong() -> None:
    state = begin(16)
    for number in range(500):
        state = observe(state, Observation(number * POLL_S, {"a": 5 * number, "b": 0}, troubles=3))
        assert state.cap >= 1


@pytest.mark.parametrize("limit", [1, 2, 5])
def test_a_limit_below_the_knee_is_used_up(limit: int) -> None:
    assert run(Steady(12, 0.3, 900), 400, limit)[-1].wanted == limit


def test_trouble_in_a_crowd_takes_one_back_at_once_and_adds_none_for_a_while() -> None:
    states = run(Steady(12, 0.3, 900), 600)
    state, at = states[-1], 600 * POLL_S
    crowd = {f"x{number}": 10**9 for number in range(8)}
    after = observe(state, Observation(at, crowd, troubles=1))
    assert after.wanted < state.wanted
    assert (
        after.reason
        == f"{after.wanted} instead of {state.wanted}: an image stalled or timed out while 9 were being made"
    )
    master = Steady(12, 0.3, 900)
    while at < 600 * POLL_S + CAREFUL_S - 2 * POLL_S:
        at += POLL_S
        before, after = after, observe(after, Observation(at, master.step(after.cap)))
        assert after.wanted <= before.wanted


def test_trouble_of_one_that_was_alone_is_no_crowd() -> None:
    state = begin(8)
    assert observe(state, Observation(0, {}, troubles=1)).wanted == state.wanted


def test_when_all_slow_down_together_with_none_added_it_takes_back() -> None:
    master = Steady(12, 0.3, 900)
    state = begin(16)
    for number in range(600):
        state = observe(state, Observation(number * POLL_S, master.step(state.cap)))
    master.knee = 5
    reasons = []
    for number in range(600, 640):
        state = observe(state, Observation(number * POLL_S, master.step(state.cap)))
        reasons += [state.reason] if state.reason else []
    assert state.wanted <= 7
    assert "slower with" in reasons[0]


def test_one_slow_client_is_not_the_masters_limit() -> None:
    sizes = {f"a{number}": 1.0 for number in range(4)}
    state = begin(16)
    for number in range(60):
        for name in sizes:
            sizes[name] += 1e5 if name == "a0" else OWN * POLL_S
        state = observe(state, Observation(number * POLL_S, {name: int(size) for name, size in sizes.items()}))
        sizes |= {f"a{number}": 1.0 for number in range(len(sizes), min(state.cap, 9))}
    assert state.wanted >= 9


def test_a_night_begins_where_the_last_one_was() -> None:
    memory = None
    for state in run(Steady(9, 0.3, 900), 800):
        memory = remembered(memory, state)
    assert memory is not None
    first = begin(16, memory)
    assert 8 <= first.wanted <= 10
    assert first.reason.startswith(f"begins with {first.cap}: as remembered")
    assert begin(3, memory).cap == 3


def test_what_is_seen_while_the_number_still_grows_is_not_remembered() -> None:
    memory = None
    for state in run(Steady(12, 0.3, 900), 30):
        memory = remembered(memory, state)
    assert memory is None


def test_a_new_master_begins_as_max_parallel_does_where_nothing_is_written() -> None:
    assert (begin(16).cap, begin(2).cap) == (4, 2)
    assert begin(16).reason == "begins with 4: nobody has measured this master yet"


def test_old_nights_fade_in_what_is_remembered() -> None:
    old, new = run(Steady(12, 0.3, 900), 800)[-1], run(Steady(4, 0.3, 900), 800)[-1]
    memory = Remembered(old.knee, old.quiet, 10_000)
    for _ in range(600):
        memory = memory.fresher(replace(new))
    assert memory.knee.middle < 6
