"""Records for tests of the history, with a clock that they choose."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.findings import CheckStatus, Failure, Finding
from nimwrap.domain.records import Attempt, ChangeState, Cluster, ResourceGroup, Run, SourceAddress
from nimwrap.history.sqlite.store import Store

NIGHT = datetime(2026, 11, 22, 14, tzinfo=UTC)
EXPORTED = "/export/nim/mksysb/powerha1 -rw,access=powerha1:10.20.0.52,root=powerha1:10.20.0.52"
MESSAGE = "0042-001 nim: processing error: 1831-011 access denied for master:/export/nim/mksysb/powerha1"


def at(minutes: float) -> datetime:
    """A moment of the test's night."""
    return NIGHT + timedelta(minutes=minutes)


def a_run(run_id: str = "", *, minutes: float = 0, client: str = "powerha1", master: str = "nim", **more: Any) -> Run:
    """A run that began at ``minutes``; with ``outcome`` it ended ten minutes later."""
    began = at(minutes)
    if "outcome" in more:
        more.setdefault("ended", began + timedelta(minutes=10))
    return Run(run_id or f"{began:%Y%m%dT%H%M%S}-{client}-0a1b", client, master, began, **more)


def an_image(store: Store, run: Run, **more: Any) -> int:
    """A proven image of a run."""
    values: dict[str, Any] = {
        "run": run.id,
        "client": run.client,
        "master": run.master,
        "resource": f"{run.client}_{run.started:%H%M%S}",
        "location": f"/export/nim/mksysb/{run.client}/{run.id}.mksysb",
        "size_bytes": 7_000_000,
        "outcome": run.outcome,
        "verified": True,
        "verified_by": ("0512-038", "lsmksysb"),
        "created": run.ended or run.started,
    }
    return store.add_image(**values | more)


def tell_founding_case(store: Store) -> str:
    """A refused run, then one that was let in by a remedy; returns the id of the second."""
    code = FailureCode.SOURCE_ADDRESS_MISMATCH
    failure = Failure(code, "the packets leave with 10.20.0.52", "smitty cm_service_ip", MESSAGE)
    refused = a_run(minutes=0, outcome=Outcome.REFUSED, failure=failure)
    store.record_run(refused)
    run = a_run(minutes=60)
    store.begin_run(run)
    store.set_findings(
        run.id,
        [
            Finding("channel", CheckStatus.OK, "c_rsh answers"),
            Finding("source_address", CheckStatus.WARNING, "leaves with 10.20.0.52", "Disable Firstalias", "perl: .52"),
        ],
    )
    store.update_run(run.id, phase="image", remedy="own-mount")
    directory = "/export/nim/mksysb/powerha1"
    change = store.plan_change(run.id, "nim", directory, added=["10.20.0.52"], before=None, at=at(61))
    store.change_applied(change, EXPORTED, at(61))
    began = Attempt(1, at(62), remedy="own-mount")
    store.begin_attempt(run.id, began, location="/export/nim/mksysb/powerha1/x.mksysb", resource="powerha1_x")
    heard = {"script": "/usr/sbin/exportfs", "returncode": 0, "stdout": EXPORTED, "stderr": "", "duration_s": 0.2}
    store.event("command", "list the exports", run=run.id, master="nim", data=heard, at=at(62))
    ended = Attempt(1, at(62), at(70), 0, None, "own-mount")
    store.end_attempt(run.id, ended, output="0512-038 mksysb: Backup Completed Successfully.")
    image = an_image(store, run, outcome="ok", created=at(70), oslevel="7300-02-01-2346")
    store.update_run(run.id, image=image)
    store.change_ended(change, ChangeState.REVERTED, at(71))
    store.close_run(
        a_run(
            run.id,
            minutes=60,
            outcome=Outcome.OK,
            remedy="own-mount",
            ended=at(72),
            source_address=SourceAddress("10.20.0.51", "10.20.0.52", "perl"),
            cluster=Cluster("powerha", "ST_STABLE", (ResourceGroup("app_rg", "ONLINE", "powerha1"),), ("10.20.0.52",)),
        )
    )
    return run.id


def config_for(directory: Path) -> Path:
    """A configuration file with one master, whose state lies in ``directory/state``."""
    path = directory / "nimwrap.toml"
    path.write_text(f'state_dir = "{directory}/state"\n[masters.nim]\ntransport = "local"\n')
    return path
