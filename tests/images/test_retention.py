"""Retention as a pure rule: what it may never do, over random histories and policies, and what it says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nimwrap.domain.codes import Outcome
from nimwrap.domain.retention import Action, Decision, Generation, KeepRules, decide

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


def made(number: int, days_ago: float, **also: object) -> Generation:
    return Generation(id=number, created=NOW - timedelta(days=days_ago), **also)  # type: ignore[arg-type]


@st.composite
def histories(draw: st.DrawFn) -> list[Generation]:
    size = draw(st.integers(0, 14))
    flag = st.booleans()
    seldom = st.sampled_from([False, False, False, True])
    return [
        Generation(
            id=number,
            created=NOW - timedelta(hours=draw(st.integers(-48, 24 * 200))),
            verified=not draw(seldom),
            outcome=draw(st.sampled_from([Outcome.OK, Outcome.OK, Outcome.WARNING])),
            managed=not draw(seldom),
            pinned=draw(seldom),
            held=draw(seldom),
            allocated=draw(seldom),
            fault=draw(st.sampled_from([None, None, None, "image_unreadable (full): cksum differs"])),
        )
        for number in range(1, size + 1)
        if draw(flag) or number < 9
    ]


rules = st.builds(
    KeepRules,
    keep=st.integers(-1, 6),
    weekly=st.integers(-1, 5),
    monthly=st.integers(0, 4),
    min_age=st.integers(0, 30 * 86400),
)


def kept(decisions: list[Decision]) -> list[Generation]:
    return [decision.image for decision in decisions if decision.action is Action.KEEP]


def removed(decisions: list[Decision]) -> list[Generation]:
    return [decision.image for decision in decisions if decision.action is Action.REMOVE]


@given(histories(), rules)
def test_what_may_never_go(history: list[Generation], policy: KeepRules) -> None:
    decisions = decide(history, policy, NOW)
    gone = removed(decisions)
    assert {decision.image.id for decision in decisions} == {image.id for image in history}
    assert not [image for image in gone if not image.managed or image.pinned or image.held or image.allocated]
    good = [image for image in history if image.good]
    if good:
        assert max(good, key=lambda image: (image.created, image.id)) not in gone
    spotless = [image for image in good if image.outcome is Outcome.OK and image.managed]
    if spotless:
        assert max(spotless, key=lambda image: (image.created, image.id)) not in gone
    managed = [image for image in good if image.managed]
    left = [image for image in kept(decisions) if image.managed and image.good]
    assert len(left) >= min(len(managed), max(policy.keep, 1))
    assert all(decision.reason for decision in decisions)


@given(histories(), rules)
def test_pruning_again_removes_nothing_more(history: list[Generation], policy: KeepRules) -> None:
    survivors = kept(decide(history, policy, NOW))
    assert removed(decide(survivors, policy, NOW)) == []


@given(histories(), rules, st.integers(0, 13))
def test_a_removal_cut_short_never_costs_more(history: list[Generation], policy: KeepRules, done: int) -> None:
    """A crash after any number of removals: deciding anew ends where one go would have ended."""
    gone = removed(decide(history, policy, NOW))
    partly = [image for image in history if image not in gone[len(gone) - done % (len(gone) + 1) :]]
    assert kept(decide(partly, policy, NOW)) == kept(decide(history, policy, NOW))


def test_oldest_beyond_keep_goes() -> None:
    decisions = decide([made(number, number) for number in range(1, 6)], KeepRules(keep=3), NOW)
    assert [image.id for image in removed(decisions)] == [4, 5]
    assert decisions[0].reason == "the last good image"
    assert decisions[3].reason == "beyond the generations to keep: 3 newer proven, keep = 3"


def test_failing_nights_remove_nothing() -> None:
    """The case that empties the peers: unproven images on top of a full set of generations."""
    good = [made(number, number + 3) for number in range(1, 4)]
    bad = [made(10, 1, verified=False), made(11, 2, fault="image_truncated (quick): 4 of 15 GiB")]
    assert removed(decide([*bad, *good], KeepRules(keep=3), NOW)) == []


def test_warnings_do_not_displace_the_newest_ok() -> None:
    warned = [made(number, number, outcome=Outcome.WARNING) for number in range(1, 4)]
    history = [*warned, made(4, 4), made(5, 5)]
    assert [image.id for image in removed(decide(history, KeepRules(keep=2), NOW))] == [3, 5]


def test_weekly_and_monthly_reach_back() -> None:
    history = [made(number, number) for number in range(0, 100)]
    stay = [image.id for image in kept(decide(history, KeepRules(keep=1, weekly=3, monthly=3), NOW))]
    # 2026-11-23 is a Monday: the newest of the weeks before are the Sundays, of the months before the last days
    assert stay == [0, 1, 8, 23, 54]


def test_unproven_goes_only_when_a_good_one_would_have() -> None:
    history = [made(1, 1), made(2, 2), made(3, 3, verified=False), made(4, 4)]
    assert 3 in {image.id for image in kept(decide(history, KeepRules(keep=3), NOW))}
    decisions = decide([*history, made(5, 0.5)], KeepRules(keep=3), NOW)
    assert [(each.image.id, each.reason) for each in decisions if each.action is Action.REMOVE] == [
        (3, "is not proven; 3 newer proven, keep = 3"),
        (4, "beyond the generations to keep: 3 newer proven, keep = 3"),
    ]


def test_min_age_protects() -> None:
    history = [made(number, number) for number in range(1, 6)]
    decisions = decide(history, KeepRules(keep=1, min_age=3 * 86400), NOW)
    assert [image.id for image in removed(decisions)] == [3, 4, 5]
