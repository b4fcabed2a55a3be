"""Verdicts are computed from timestamps: each way of not being protected, and the ones that only look like it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from nimwrap.domain.verdict import Facts, Reason, ReasonCode, Verdict, inventory_fault, judge, worst

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)
WELL = Facts(max_age_s=8 * 86400, last_good=NOW - DAY, last_run=NOW - DAY, last_outcome="ok", scheduled=True)
OPEN = Reason(Verdict.CRITICAL, ReasonCode.EXPORT_FOREIGN, "the export of /x is foreign", ("/x",))
FAULTY = Reason(Verdict.WARNING, ReasonCode.IMAGE_FAULTY, "cut off", ("/images/a",))


def test_a_client_with_a_fresh_image_is_ok() -> None:
    judged = judge(WELL, NOW)
    assert (judged.verdict, judged.reasons, judged.overdue) == (Verdict.OK, (), False)


@pytest.mark.parametrize(
    ("change", "verdict", "word"),
    [
        ({"last_good": None}, Verdict.CRITICAL, "never backed up"),
        ({"last_good": NOW - 9 * DAY}, Verdict.CRITICAL, "9d 0h old"),
        ({"last_good": None, "held": "migration"}, Verdict.WARNING, "never backed up"),
        ({"last_good": NOW - 9 * DAY, "held": "migration"}, Verdict.WARNING, "9d 0h old"),
        ({"last_run": NOW, "last_outcome": "failed", "last_failure": "no access"}, Verdict.WARNING, "no access"),
        ({"last_run": NOW, "last_outcome": "refused"}, Verdict.WARNING, "was refused"),
        ({"last_good_warned": True}, Verdict.WARNING, "0512-003"),
        ({"vanished": NOW - DAY}, Verdict.WARNING, "does not list"),
        ({"scheduled": False}, Verdict.WARNING, "no schedule"),
        ({"open_changes": (OPEN,)}, Verdict.CRITICAL, "/x"),
        ({"image_faults": (FAULTY,)}, Verdict.WARNING, "cut off"),
        ({"missed": (NOW, "noticed 2d late")}, Verdict.WARNING, "noticed 2d late"),
        ({"last_run": NOW - 3 * DAY, "last_outcome": "running"}, Verdict.WARNING, "has no end yet"),
        ({"last_good": None, "kind": "savevg"}, Verdict.CRITICAL, "savevg image"),
        ({"excluded": True, "open_changes": (OPEN,)}, Verdict.CRITICAL, "/x"),
        ({"seen": False}, Verdict.UNKNOWN, "never asked"),
    ],
)
def test_each_fault_is_named(change: dict[str, object], verdict: Verdict, word: str) -> None:
    judged = judge(replace(WELL, **change), NOW)  # type: ignore[arg-type]
    assert judged.verdict is verdict
    assert word in judged.reasons[0].text


def test_a_failure_before_the_last_good_image_is_forgiven() -> None:
    assert judge(replace(WELL, last_run=NOW - 2 * DAY, last_outcome="failed"), NOW).verdict is Verdict.OK


@pytest.mark.parametrize(
    "change",
    [
        {"missed": (NOW - 2 * DAY, "noticed late")},
        {"last_run": NOW - DAY / 2, "last_outcome": "running"},
        {"last_run": NOW, "last_outcome": "skipped"},
    ],
    ids=["missed before the last good image", "running for half a day", "skipped on purpose"],
)
def test_what_is_no_fault(change: dict[str, object]) -> None:
    assert judge(replace(WELL, **change), NOW).verdict is Verdict.OK  # type: ignore[arg-type]


def test_no_schedules_at_all_is_not_the_clients_fault() -> None:
    assert judge(replace(WELL, scheduled=None), NOW).verdict is Verdict.OK


def test_an_excluded_client_is_listed_but_no_fault() -> None:
    judged = judge(replace(WELL, last_good=None, excluded=True), NOW)
    assert (judged.verdict, judged.never_backed_up) == (Verdict.OK, True)


def test_the_worst_verdict_wins() -> None:
    assert worst([Verdict.OK, Verdict.UNKNOWN, Verdict.CRITICAL, Verdict.WARNING]) is Verdict.CRITICAL
    assert worst([]) is Verdict.OK


def test_an_old_or_missing_inventory_is_a_fault_of_its_own() -> None:
    assert inventory_fault(NOW - timedelta(hours=24), NOW) is None
    assert "1d 2h old" in str(inventory_fault(NOW - timedelta(hours=26), NOW))
    assert "never" in str(inventory_fault(None, NOW))
