"""A client with several kinds in one slot: each image is made once, whenever its nimwrap dies or is told to leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nimwrap.config.load import load
from nimwrap.domain.progress import Progress
from nimwrap.domain.ref import ClientRef
from nimwrap.estate import Estate
from nimwrap.fleet.fleet_observer import FleetObserver
from nimwrap.fleet.fleet_run import Order, run_fleet
from nimwrap.fleet.session import Session, open_session
from nimwrap.history.slot_claims import Opening
from nimwrap.hosts.protocol import CommandResult
from tests.cutting import CutHost
from tests.running import ConfigWriter

REF = ClientRef("nim", "aix01")
SLOT = datetime(2026, 11, 29, 1, 0, tzinfo=UTC)


@pytest.fixture
def config(estate: Estate, estate_config: ConfigWriter) -> Path:
    return estate_config(backup={"kinds": ["mksysb", "savevg"], "volume_groups": ["datavg"]})


def night(session: Session, observer: FleetObserver = FleetObserver()) -> list[str]:  # noqa: B008  it has no state
    """One process's part of the slot; the kinds that it has made."""
    if not session.slots.take("nightly", SLOT, [REF]):
        return []
    runs = run_fleet(session, Order((REF,), schedule="nightly", slot=SLOT), observer)
    return [run.kind for run in runs if run.outcome == "ok"]


def state(session: Session) -> str:
    (row,) = session.reader.slots()
    return row.state


def test_a_process_told_to_leave_between_two_kinds_leaves_the_second_to_the_next(config: Path) -> None:
    """A7: the slot was done with the first kind; the savevg of that night was never made."""
    with open_session(load(config)) as session:
        session.slots.open_slot(Opening("nightly", SLOT, [REF]), SLOT)

        class Leaving(FleetObserver):
            def progresses(self, progress: Progress) -> None:
                if progress.phase == "done":
                    session.clock.draining.set()

        assert night(session, Leaving()) == ["mksysb"]
        assert state(session) == "started"
    with open_session(load(config)) as session:
        assert [row.client for row in session.slots.pending(SLOT)] == ["aix01"]
        assert night(session) == ["savevg"]
        assert state(session) == "done"
        assert night(session) == []


def test_a_process_killed_in_the_second_kind_does_not_cost_the_first_twice(config: Path) -> None:
    """A7: the whole slot was taken again, and the mksysb made a second time."""
    with open_session(load(config)) as session:
        session.slots.open_slot(Opening("nightly", SLOT, [REF]), SLOT)

        def die(script: str, run: Callable[[], CommandResult]) -> CommandResult | None:
            if any(run.outcome == "ok" for run in session.reader.last_runs("nim", "aix01", 5)):
                session.clock.stop.set()
            return None

        watched = replace(session, hosts={"nim": CutHost(session.hosts["nim"], die)})
        assert night(watched) == ["mksysb"]
    with open_session(load(config)) as session:
        assert night(session) == ["savevg"]
        kinds = [run.kind for run in session.reader.runs() if run.outcome == "ok"]
        assert kinds.count("mksysb") == 1
