"""A site with a past: four weeks of nights, a PowerHA pair, and one client for each way of not being protected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.findings import CheckStatus, Failure, Finding
from nimwrap.domain.records import (
    Attempt,
    ChangeState,
    Cluster,
    Image,
    InventoryClient,
    ResourceGroup,
    Run,
    SourceAddress,
)
from nimwrap.history.sqlite.store import Store

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
NIGHTS = 28
PLAIN = ("aixdb1", "aixdb2", "aixapp1", "aixapp2", "aixmq1", "sapci", "sapdb")
PAIR = ("powerha1", "powerha2")
NEVER, OLD, HELD, UNSCHEDULED, GONE = "newlpar", "backlog", "moving", "forgotten", "retired"
FAULTY = (NEVER, OLD, HELD, UNSCHEDULED, GONE)
DENIED = Failure(
    FailureCode.EXPORT_DENIED,
    "NIM let 10.20.0.11 in, and the client came from 10.20.0.52",
    'let nimwrap open the export for one operation: export_change = "when-needed"',
    "1831-011 access denied",
)
FULL = Failure(FailureCode.SPACE_SHORT, "3.1 GiB free in /export/nim, 7.4 GiB needed", "nimwrap images prune", "df")


def build(directory: Path, *, now: datetime = NOW, names: dict[str, str] | None = None) -> Path:
    """Write history, configuration and schedule below ``directory``; returns the configuration.

    ``names`` gives clients other names than their own.
    """
    called = {name: (names or {}).get(name, name) for name in (*PLAIN, *PAIR, *FAULTY)}
    config = directory / "nimwrap.toml"
    config.write_text(f'state_dir = "{directory}/state"\n[masters.nim]\ntransport = "local"\nmax_parallel = 3\n')
    schedules = directory / "schedules"
    schedules.mkdir()
    covered = (*PLAIN, *PAIR, NEVER, OLD, HELD)
    listed = ", ".join(f"'{called[name]}'" for name in covered if called[name] == name)
    (schedules / "nightly.toml").write_text(f'[nightly]\ncron = "0 1 * * *"\ntimezone = "UTC"\ntargets = [{listed}]\n')
    with Store.open(directory / "state" / "history.db", now=lambda: now) as store:
        everyone = [InventoryClient(called[name], "standalone") for name in (*PLAIN, *PAIR, *FAULTY)]
        store.record_inventory("nim", everyone, now - timedelta(days=40))
        for run, size in _runs(now):
            _record(store, run, size, called[run.client])
        present = [client for client in everyone if client.name != called[GONE]]
        store.record_inventory("nim", present, now - timedelta(hours=2))
        store.hold("nim", called[HELD], "datacentre move until Friday", now - timedelta(days=12))
    return config


def _runs(now: datetime) -> Iterator[tuple[Run, int]]:
    random = Random(23)
    for back in range(NIGHTS, 0, -1):
        due = now - timedelta(days=back - 1, hours=2)
        if back == 9:
            continue  # the control host was down
        for number, client in enumerate((*PLAIN, *PAIR, OLD, HELD, UNSCHEDULED, GONE)):
            if (client == OLD and back < 12) or (client == HELD and back < 12) or (client == GONE and back < 3):
                continue
            began = due + timedelta(minutes=6 * number + random.randrange(4))
            took = timedelta(minutes=random.randrange(14, 31) + number)
            yield _run(client, back, began, took, random), int((5 + number * 0.8 + (NIGHTS - back) * 0.04) * 2**30)


def _run(client: str, back: int, began: datetime, took: timedelta, random: Random) -> Run:
    holder = "powerha2" if 8 < back < 17 else "powerha1"
    outcome, failure, remedy = Outcome.OK, None, None
    source, cluster = SourceAddress("10.20.0.11", "10.20.0.11", "perl"), None
    if client in PAIR:
        groups = (ResourceGroup("app_rg", "ONLINE", holder),)
        cluster = Cluster("powerha", "ST_STABLE", groups, ("10.20.0.52",))
        if client == holder:
            source = SourceAddress("10.20.0.11", "10.20.0.52", "perl")
            remedy = "own-mount" if back < 14 else None
            outcome, failure = (Outcome.OK, None) if remedy else (Outcome.REFUSED, DENIED)
    elif client == "sapdb" and back in (1, 6):
        outcome, failure = Outcome.FAILED, FULL
    elif random.random() < 0.04:
        warned = Failure(FailureCode.ARCHIVE_WARNING, "12 files changed while they were read", "", "0512-003")
        outcome, failure = Outcome.WARNING, warned
    if failure is not None and outcome is not Outcome.WARNING:
        took = timedelta(minutes=2)
    run_id = f"{began:%Y%m%dT%H%M%S}-{client}-{back:04x}"
    return Run(
        run_id,
        client,
        "nim",
        began,
        outcome,
        schedule="nightly",
        failure=failure,
        source_address=source,
        cluster=cluster,
        remedy=remedy,
        ended=began + took,
    )


def _record(store: Store, run: Run, size: int, client: str) -> None:
    run = replace(run, client=client)
    assert run.ended is not None
    store.begin_run(replace(run, outcome=Outcome.RUNNING, ended=None, failure=None))
    store.update_run(run.id, cluster=run.cluster)
    free = 412 * 2**30 - size * 4
    room = Finding("space", CheckStatus.OK, "room", data={"mounted_on": "/export/nim", "free_bytes": free})
    store.set_findings(run.id, [room])
    if run.outcome in (Outcome.OK, Outcome.WARNING):
        attempt = Attempt(1, run.started + timedelta(minutes=1), remedy=run.remedy)
        place = f"/export/nim/mksysb/{client}/{run.id}.mksysb"
        store.begin_attempt(run.id, attempt, location=place, resource=run.id[:39])
        store.end_attempt(run.id, replace(attempt, ended=run.ended, returncode=0), output="0512-038")
        image = store.add_image(
            run=run.id,
            client=client,
            master="nim",
            resource=run.id[:39],
            location=place,
            size_bytes=size,
            outcome=run.outcome,
            verified=True,
            verified_by=("0512-038", "lsmksysb"),
            created=run.ended,
        )
        run = replace(run, image=Image(run.id[:39], place, size, True, id=image))
    store.close_run(run)


def open_an_export(config: Path, run: str, state: ChangeState, at: datetime = NOW) -> None:
    """An export change of a run that was never undone."""
    with Store.open(config.parent / "state" / "history.db", now=lambda: at) as store:
        change = store.plan_change(run, "nim", "/export/nim/mksysb/aixdb1", added=["10.20.0.52"], before=None, at=at)
        store.change_applied(change, "/export/nim/mksysb/aixdb1 -rw", at)
        if state is not ChangeState.APPLIED:
            store.change_ended(change, state, at)
