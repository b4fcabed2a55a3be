"""When a fleet at work will be done: from durations, the queue and the caps; nothing where history knows too little."""

from __future__ import annotations

import pytest

from nimwrap.domain.ordering import UNKNOWN
from nimwrap.fleet.queue import Queue, QueuedJob
from nimwrap.fleet.simulation import expected_end, simulate

NOW = 1000.0


def queue(waiting: str, cap: int = 2) -> Queue[str]:
    """``a10 b?`` are timed and untimed jobs; ``x5@pair`` belongs to a chain, ``y5+60`` is ready in 60 s."""
    made: Queue[str] = Queue({"nim": cap})
    for word in waiting.split():
        text, _, chain = word.partition("@")
        text, _, later = text.partition("+")
        seconds = UNKNOWN if text[1:] == "?" else float(text[1:])
        ready = NOW + float(later) if later else 0.0
        made.add([QueuedJob(text[0], "nim", seconds, chain or None, ready, timed=text[1:] != "?")])
    return made


def start(made: Queue[str], at: float) -> None:
    while made.start_next(at) is not None:
        pass


@pytest.mark.parametrize(
    ("waiting", "cap", "left"),
    [
        ("a100", 2, 100),
        ("a100 b100 c100", 2, 200),
        ("a100 b100 c100", 1, 300),
        ("a100 b60 c60", 2, 120),
        ("a50@ha b50@ha", 4, 100),
        ("a100 b10+300", 2, 310),
        ("a10+300", 1, 310),
        ("a100 b100 c100 d100 e?", 5, 100),
    ],
)
def test_the_end_follows_from_durations_caps_chains_and_waits(waiting: str, cap: int, left: float) -> None:
    made = queue(waiting, cap)
    assert expected_end(made, NOW) == pytest.approx(NOW + left)
    start(made, NOW)
    assert expected_end(made, NOW) == pytest.approx(NOW + left), "it makes no difference who has started just now"


@pytest.mark.parametrize("waiting", ["", "a?", "a100 b?", "a100 b100 c100 d?"])
def test_where_too_few_were_ever_timed_nothing_is_said(waiting: str) -> None:
    assert expected_end(queue(waiting), NOW) is None


def test_a_size_alone_is_no_measured_duration() -> None:
    made: Queue[str] = Queue({"nim": 1})
    made.add([QueuedJob("a", "nim", 100.0)])
    assert expected_end(made, NOW) is None


def test_time_that_has_passed_counts_and_an_overrun_is_not_over() -> None:
    made = queue("a100 b100 c100")
    start(made, NOW)
    assert expected_end(made, NOW + 40) == pytest.approx(NOW + 200)
    made.finished(made.running[0])
    start(made, NOW + 90)
    assert expected_end(made, NOW + 90) == pytest.approx(NOW + 190)
    assert expected_end(made, NOW + 150) == pytest.approx(NOW + 190)
    made.finished(made.running[1])
    assert expected_end(made, NOW + 500) == pytest.approx(NOW + 510), "a tenth more than it ever took"


def test_the_queue_at_work_is_not_touched() -> None:
    made = queue("a100 b50 c70+30", 1)
    start(made, NOW)
    before = [vars(job).copy() for job in [*made.waiting, *made.running]]
    expected_end(made, NOW)
    assert [vars(job) for job in [*made.waiting, *made.running]] == before


def test_a_played_night_names_every_job_once_in_the_order_of_its_start() -> None:
    played = list(simulate(queue("a10 b20 c30 d?", 2), 0.0))
    assert [(one.job.what, one.starts, one.known) for one in played] == [
        ("d", 0, False),
        ("c", 0, True),
        ("b", 20, True),
        ("a", 30, True),
    ]
    assert played[0].ends == 20, "the mean of the others"
