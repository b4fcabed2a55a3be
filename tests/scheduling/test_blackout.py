"""Blackouts hold for every schedule, are told ahead, and leave what is begun by hand alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nimwrap.backup.backup_request import BackupRequest
from nimwrap.backup.backup_run import BackupRun
from nimwrap.clients.blackouts import Blackout
from nimwrap.config.model import BlackoutConfig, Config, MasterConfig
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.local_time import local_text
from nimwrap.domain.records import ClientRef
from nimwrap.estate import Estate
from nimwrap.fleet.fleet_run import Fleet, Order, Task
from nimwrap.fleet.session import open_session
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.slot_queue import SlotQueue
from nimwrap.history.sqlite.store import Store
from nimwrap.scheduling.claims import ClaimResult, SlotClaimer
from nimwrap.scheduling.model import Schedule
from tests.running import Cli, ConfigWriter
from tests.scheduling.tables import ago, slots

SLOT = datetime(2026, 3, 30, 22, 0, tzinfo=UTC)
NIGHTLY = Schedule("nightly", "0 22 * * *", "UTC", ("*",), window=8 * 3600, catch_up=4 * 3600)
REFS = [ClientRef("nim", "aix01"), ClientRef("nim", "aix02")]
ENDS = SLOT + timedelta(hours=6)


def around_today() -> dict[str, object]:
    """A blackout that is in force whenever the test runs."""
    today = datetime.now(UTC).date()
    return {"days": [f"{today - timedelta(days=1)}..{today + timedelta(days=1)}"]}


class Site:
    """A history, and a blackout of some clients between two moments."""

    def __init__(self, path: Path, begins: datetime, names: tuple[str, ...] = ("aix01", "aix02")) -> None:
        self.path, self.begins, self.names = path / "history.db", begins, names

    def look(self, now: datetime, *, waits_s: float = 0.0) -> ClaimResult:
        def black(ref: ClientRef, moment: datetime) -> Blackout | None:
            inside = self.begins <= moment < ENDS and ref.client in self.names
            return Blackout("month_end", ENDS) if inside else None

        with Store.open(self.path) as store, Reader.open(self.path) as reader:
            claimer = SlotClaimer(SlotQueue(store, reader), lambda _: REFS, lambda *_: waits_s, black)
            return claimer.claim_due({"nightly": NIGHTLY}, now)

    def rows(self) -> dict[str, tuple[str, str | None]]:
        with Reader.open(self.path) as reader:
            return {row.client: (row.state, row.reason) for row in reader.slots()}


def test_a_slot_that_falls_in_is_skipped_also_when_it_is_noticed_after_the_blackout(tmp_path: Path) -> None:
    site = Site(tmp_path, SLOT - timedelta(hours=1))
    assert site.look(SLOT - timedelta(days=1)).batches
    seen = site.look(SLOT + timedelta(minutes=30))
    assert (seen.batches, [opened.due.state for opened in seen.opened]) == ([], ["skipped"])
    why = f"blackout month_end: no schedule begins a backup before {local_text(ENDS)}"
    assert site.rows() == {"aix01": ("skipped", why), "aix02": ("skipped", why)}
    assert site.look(ENDS + timedelta(minutes=1)).opened == [], "it does not come again"


def test_a_slot_noticed_late_does_not_begin_inside_a_blackout_that_came_after_it(tmp_path: Path) -> None:
    site = Site(tmp_path, SLOT + timedelta(hours=1))
    site.look(SLOT - timedelta(days=1))
    assert site.look(SLOT + timedelta(hours=2)).batches == []
    assert {state for state, _ in site.rows().values()} == {"skipped"}


def test_only_those_whom_it_means_are_kept_out(tmp_path: Path) -> None:
    seen = Site(tmp_path, SLOT - timedelta(hours=1), ("aix02",)).look(SLOT)
    assert [ref.client for ref in seen.batches[0].starts] == ["aix01"]
    assert [(each.state, each.refs) for each in seen.passed] == [("skipped", (REFS[1],))]


def test_who_would_start_inside_one_is_skipped_at_once(tmp_path: Path) -> None:
    """With ``begin = "latest"`` a night that is due before a blackout may begin in it."""
    site = Site(tmp_path, SLOT + timedelta(hours=2))
    assert site.look(SLOT, waits_s=3 * 3600).batches == []
    assert {state for state, _ in site.rows().values()} == {"skipped"}


@pytest.mark.parametrize(("slot", "kept_out"), [(SLOT, True), (None, False)])
def test_who_waits_for_an_image_slot_when_a_blackout_begins_is_not_started(
    tmp_path: Path, slot: datetime | None, kept_out: bool
) -> None:
    """Of a slot; what somebody asked for by hand goes on."""
    config = Config(
        state_dir=tmp_path,
        masters={"nim": MasterConfig("nim", transport="local")},
        blackout={"all": BlackoutConfig("all", days=("1-31",), targets=("aix*",))},
    )
    with open_session(config) as session:
        fleet = Fleet(session, Order((REFS[0],), schedule="nightly", slot=slot))
        request = BackupRequest(REFS[0], "mksysb")
        task = Task(request, BackupRun(session.master_context("nim"), request))
        why = fleet._no_longer(task)
    assert (why is not None and why.code is FailureCode.OUTSIDE_WINDOW and "blackout all" in why.message) is kept_out


def test_due_next_status_and_by_hand(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, schedules: Callable[..., None]
) -> None:
    schedules(targets=["aix01"], cron=ago(5))
    config = estate_config(blackout={"month_end": {**around_today(), "targets": ["aix0*"]}})
    run_cli("status", "--refresh", config=config)
    coming = run_cli("schedule", "next", "--days", "2", "--json", config=config).data["slots"]
    assert [slot["blackout"]["name"] if slot["blackout"] else None for slot in coming] == ["month_end", None]
    assert "skipped: blackout month_end" in run_cli("schedule", "next", config=config).stdout
    due = run_cli("schedule", "due", "--json", config=config)
    assert (due.exit_code, due.codes, due.data["runs"]) == (75, ["outside_window"], [])
    assert [(slot["state"], slot["clients"]) for slot in due.data["slots"]] == [("skipped", ["nim/aix01"])]
    assert slots(estate)["aix01"].state == "skipped"
    assert "blackout month_end" in (slots(estate)["aix01"].reason or "")
    assert run_cli("schedule", "due", config=config).exit_code == 0
    client = next(one for one in run_cli("status", "--json", config=config).data["clients"] if one["client"] == "aix01")
    assert datetime.fromisoformat(client["next_run"]) > datetime.now(UTC) + timedelta(days=1)
    assert "slot_missed" not in str(client), "nobody missed anything"
    by_hand = run_cli("backup", "aix01", "--json", config=config)
    assert (by_hand.exit_code, [one["code"] for one in by_hand.json["warnings"]]) == (0, ["blackout"])
