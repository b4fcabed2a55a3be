"""The queue alone, in virtual time: caps, chains, order, waits."""

from __future__ import annotations

from nimwrap.domain.ordering import UNKNOWN, predicted_seconds
from nimwrap.fleet.queue import Queue, QueuedJob


def job(
    name: str, seconds: float = 10, *, chain: str | None = None, master: str = "nim", limits: tuple[str, ...] = ()
) -> QueuedJob[str]:
    return QueuedJob(name, master, seconds, chain, limits=limits)


def started(queue: Queue[str], now: float = 0) -> list[str]:
    names = []
    while (one := queue.start_next(now)) is not None:
        names.append(one.what)
    return names


def test_never_more_than_the_cap_of_each_master() -> None:
    queue: Queue[str] = Queue({"nim": 2, "nim2": 1})
    queue.add([job("a"), job("b"), job("c"), job("d", master="nim2"), job("e", master="nim2")])
    assert started(queue) == ["a", "b", "d"]


def test_the_longest_goes_first_and_the_unknown_before_it() -> None:
    queue: Queue[str] = Queue({"nim": 9})
    queue.add([job("short", 1), job("long", 9), job("new", UNKNOWN), job("middle", 5)])
    assert started(queue) == ["new", "long", "middle", "short"]


def test_never_more_than_each_limit_over_all_masters() -> None:
    queue: Queue[str] = Queue({"nim": 9, "nim2": 9}, limits={"frame": 2, "disk": 1})
    queue.add([job(name, master=master, limits=("frame",)) for name, master in (("a", "nim"), ("b", "nim2"))])
    queue.add([job("c", limits=("frame", "disk")), job("d", limits=("disk",)), job("e")])
    assert started(queue) == ["a", "b", "d", "e"]
    queue.finished(queue.running[0])
    assert started(queue) == []
    queue.finished(next(job for job in queue.running if job.what == "d"))
    assert started(queue) == ["c"]


def test_two_of_a_cluster_never_run_together() -> None:
    queue: Queue[str] = Queue({"nim": 9})
    queue.add([job("node1", chain="ha"), job("node2", chain="ha"), job("plain", 1)])
    assert started(queue) == ["node1", "plain"]
    queue.finished(queue.running[0])
    assert started(queue) == ["node2"]


def test_a_chain_weighs_as_much_as_all_of_it() -> None:
    queue: Queue[str] = Queue({"nim": 1})
    queue.add([job("long", 10), job("node1", 6, chain="ha"), job("node2", 6, chain="ha")])
    assert started(queue) == ["node1"]


def test_one_that_failed_waits_without_a_slot_and_comes_last() -> None:
    queue: Queue[str] = Queue({"nim": 1})
    queue.add([job("sick", 99), job("well", 1)])
    sick = queue.start_next(0)
    assert sick is not None
    queue.later(sick, ready_at=300)
    assert queue.next_ready(0) == 300
    assert started(queue, 0) == ["well"]
    queue.finished(queue.running[0])
    queue.add([job("another", 1)])
    assert started(queue, 301) == ["another"], "a second try never goes before a first one"


def test_predictions_come_from_history_then_size_then_nothing() -> None:
    assert predicted_seconds([100, 300, 200], [5]) == 200
    assert 900 < predicted_seconds([], [15_526_860_800]) < 1200
    assert predicted_seconds([], []) == UNKNOWN
