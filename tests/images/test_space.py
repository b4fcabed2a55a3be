"""Room for images: the worst moment of a night as a property, the refusal, and the forecast."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimwrap.aix import df
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.records import ClientRef
from nimwrap.history.model import ImageSeries
from nimwrap.images.capacity import FAR, Generations, Need, fits, forecast, growth, needs_of, past_images, worst_moment
from nimwrap.monitoring.report.capacity_view import past_of_all, rooms
from tests.images.imagelab import NOW, Lab
from tests.running import Cli

GIB = 1 << 30
needs = st.lists(
    st.builds(Need, st.uuids().map(str), st.just("/export/nim"), st.integers(0, 50), st.integers(0, 50)), max_size=8
)


def played(queue: list[Need], parallel: int) -> int:
    """The night played out: images are finished in the order they began, each frees what it replaces at its end."""
    held = worst = 0
    running: list[Need] = []
    for need in queue:
        if len(running) == parallel:
            held -= running.pop(0).frees_bytes
        running.append(need)
        held += need.size_bytes or 0
        worst = max(worst, held)
    return worst


@given(needs, st.integers(1, 5))
def test_the_worst_moment_is_that_of_the_night_played_out(queue: list[Need], parallel: int) -> None:
    assert worst_moment(queue, parallel) == played(queue, parallel)
    assert worst_moment(queue, parallel) <= sum(need.size_bytes or 0 for need in queue)


@given(needs, st.integers(0, 200), st.integers(1, 5))
def test_what_is_accepted_fits(queue: list[Need], free: int, parallel: int) -> None:
    refused = fits(queue, {"/export/nim": free}, parallel)
    accepted = [need for need in queue if need.client not in refused]
    assert worst_moment(accepted, parallel) <= free or not accepted
    assert all(failure.code is FailureCode.SPACE_SHORT for failure in refused.values())


def test_the_refusal_names_what_pruning_would_free() -> None:
    queue = [
        Need("aix01", "/export/nim", 4 * GIB, prunable=(("aix01_20260101_010000", 3 * GIB),)),
        Need("aix02", "/export/nim", 4 * GIB),
    ]
    refused = fits(queue, {"/export/nim": 5 * GIB}, 2)
    assert set(refused) == {"aix02"}
    assert "8.0 GiB" in refused["aix02"].message
    assert "aix01_20260101_010000 (3.0 GiB)" in refused["aix02"].fix
    assert "free nothing" in fits([Need("aix02", "/x", 9)], {"/x": 1}, 1)["aix02"].fix
    assert fits([Need("new", "/x", None)], {"/x": 1}, 1) == {}


def images(sizes: list[int], keep: int = 3, removed: int = 0) -> Generations:
    """A weekly history of images, their sizes from the oldest on; the first ``removed`` of them are gone."""
    ages = range(1, len(sizes) + 1)
    made = [int((NOW - timedelta(weeks=age)).timestamp()) for age in ages]
    return Generations(ImageSeries(sizes[::-1], made), len(sizes) - removed, keep)


def test_growth_is_the_slope_in_bytes_a_day() -> None:
    assert growth([28, 21, 14, 7, 0], [380, 310, 240, 170, 100]) == pytest.approx(10)
    assert growth([21, 14, 7, 0], [310, 240, 170, 100]) == 0, "four images are no trend"
    assert growth([4, 3, 2, 1, 0], [5, 4, 3, 2, 1]) == 0, "four days are no trend"
    assert growth([28, 21, 14, 7, 0], [100, 200, 300, 400, 500]) < 0
    assert growth([], []) == 0


def test_the_forecast_says_when_and_who() -> None:
    sizes = [GIB, 2 * GIB, 3 * GIB, 4 * GIB, 5 * GIB]
    clients = {"steady": images([GIB] * 6, removed=3), "grows": images(sizes, removed=2)}
    soon = forecast([Need("grows", "/f", 4 * GIB)], clients, 20 * GIB, 1, NOW)
    later = forecast([Need("grows", "/f", 4 * GIB)], clients, 200 * GIB, 1, NOW)
    assert soon.full_on is not None
    assert later.full_on is not None
    assert NOW < soon.full_on < later.full_on
    assert [one.client for one in soon.growing] == ["grows"]
    lines = [one.line() for one in clients.values()]
    for free in range(0, 400 * GIB, 7 * GIB):  # searched for by halves, found as by looking at each day
        days = (day for day in range(1, FAR) if sum(line.added(day) for line in lines) > free)
        first = next((NOW + timedelta(days=day) for day in days), None)
        assert forecast([], clients, free, 1, NOW).full_on == first
    few = {"new": images([GIB, 2 * GIB])}
    assert forecast([], few, GIB, 1, NOW).full_on is None, "two images are no trend"
    still = forecast([], {"steady": clients["steady"]}, GIB, 1, NOW)
    assert still.full_on is None
    assert still.growing == ()


def test_a_need_comes_from_the_history(lab: Lab) -> None:
    for age in (4, 3, 2, 1):
        lab.make(days=age)
    (need,), (unknown,) = (
        needs_of(lab.config, ref, past_images(lab.reader, lab.config, ref), filesystem="/export/nim", now=NOW)
        for ref in (ClientRef("nim", "aix01"), ClientRef("nim", "aix02"))
    )
    assert (need.size_bytes, need.frees_bytes) == (int(262144 * 1.2), 2 * 262144)
    assert [name for name, _ in need.prunable] == ["aix01_20261119_010000"]
    assert unknown.size_bytes is None


def test_a_night_that_does_not_fit_is_refused_before_it_starts(lab_with: Callable[..., Lab], run_cli: Cli) -> None:
    """Two clients, room for one: the second is refused, and its row says what would help."""
    lab = lab_with(clients=2)
    now = datetime.now(UTC)
    for client in ("aix01", "aix02"):
        for age in (5, 4, 3, 2):
            lab.make(client, age, created=now - timedelta(days=age))
    huge = 120 * GIB
    for row in lab.rows():
        lab.store.update_image(row.id, size_bytes=huge)
    ran = run_cli("backup", "--all", "--dry-run", "--json", config=lab.file)
    assert ran.exit_code == 10
    assert {plan["failure"]["code"] for plan in ran.data["plan"] if plan["failure"]} == {"space_short"}
    lab.estate.clear_log()
    ran = run_cli("backup", "aix01", "aix02", "--json", config=lab.file)
    refused = [run for run in ran.data["runs"] if run["outcome"] == "refused"]
    assert refused
    assert {run["failure"]["code"] for run in refused} == {"space_short"}
    assert any("would free" in run["failure"]["fix"] for run in refused)


@pytest.mark.parametrize(
    ("newest_first", "short"),
    [
        ((0.85, 0.85, 0.85, 0.85, 0.85), True),  # a tenth more would fit, a fifth more does not
        ((0.5, 0.5, 0.5, 0.9, 0.5), True),  # the largest of three would fit, the largest of five does not
        ((0.8, 0.8, 0.8, 0.8, 0.8), False),
    ],
)
def test_check_fleet_list_and_report_agree_whether_the_next_image_fits(
    lab_with: Callable[..., Lab], run_cli: Cli, newest_first: tuple[float, ...], short: bool
) -> None:
    lab = lab_with(clients=2, backup={"keep": 9})
    free = df.parse(lab.host.run("df -Pk /export/nim").stdout)[-1].free_bytes
    assert free
    now = datetime.now(UTC)
    for age, share in enumerate(newest_first, start=1):
        lab.make("aix01", age, created=now - timedelta(days=age))
        newest = max(lab.rows(), key=lambda row: row.id)
        lab.store.update_image(newest.id, size_bytes=int(free * share))
    (checked,) = run_cli("check", "aix01", "--json", config=lab.file).data["clients"]
    (space,) = (finding for finding in checked["findings"] if finding["check"] == "space")
    assert (space["status"] == "failed") is short, space
    plans = run_cli("backup", "aix01", "aix02", "--dry-run", "--json", config=lab.file).data["plan"]
    refused = {plan["client"]: plan["failure"] for plan in plans if plan["failure"]}
    assert set(refused) == ({"aix01"} if short else set())
    assert not short or sum("worst moment" in one["message"] for one in plans[-1]["findings"]) == 1, "the fleet's too"
    (listed,) = run_cli("images", "list", "--json", config=lab.file).data["filesystems"]
    assert (listed["worst_bytes"] > listed["free_bytes"]) is short
    run_cli("backup", "aix01", config=lab.file)  # its finding is where the report has the free bytes from
    (room,) = rooms(
        lab.reader, lab.config, past_of_all(lab.reader, lab.config, [ClientRef("nim", "aix01")]), datetime.now(UTC)
    )
    assert (room.forecast.worst_bytes > room.forecast.free_bytes) is short


def test_what_a_new_image_frees_goes_by_retention_and_not_by_the_number_kept(lab_with: Callable[..., Lab]) -> None:
    lab = lab_with(clients=1, backup={"keep": 1, "keep_weekly": 4})
    for age in (22, 15, 8):
        lab.make(days=age)
    ref = ClientRef("nim", "aix01")
    (need,) = needs_of(lab.config, ref, past_images(lab.reader, lab.config, ref), filesystem="/f", now=NOW)
    past = past_of_all(lab.reader, lab.config, [ref])[ref]
    assert needs_of(lab.config, ref, past, filesystem="/f", now=NOW) == [need]
    assert need.frees_bytes == 0, "each is the newest of its week"
