"""No question of status, report and metrics reads a whole table: a million runs must not slow them down."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.config.load import load
from nimwrap.config.model import Config
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.findings import CheckStatus, Failure, Finding
from nimwrap.domain.records import Cluster, InventoryClient, Run
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from nimwrap.monitoring.prometheus import metrics_text
from nimwrap.monitoring.protection import protection
from nimwrap.monitoring.report.page import page
from tests.report.site import NOW

GROWING = ("runs", "attempts", "findings", "images", "export_changes", "events", "slots")


class Planned(Reader):
    """A reader that keeps the plan of every query it is asked."""

    plans: dict[str, list[str]]

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        if sql not in self.plans:
            self.plans[sql] = [step for *_, step in super().query(f"explain query plan {sql}", parameters)]
        return super().query(sql, parameters)


@pytest.mark.parametrize("ask", [protection, page, metrics_text])
def test_every_query_goes_by_an_index(ask: Callable[[Config, Reader, datetime], object], site: Config) -> None:
    with Planned(site.database) as reader:
        reader.plans = {}
        ask(site, reader, NOW)
        steps = [(step.split(), step, sql) for sql, plan in reader.plans.items() for step in plan]
    assert len(steps) > 8
    assert not [
        (step, sql) for words, step, sql in steps if words[0] == "SCAN" and words[1] in GROWING and "INDEX" not in words
    ]


@pytest.mark.parametrize("ask", [protection, page, metrics_text])
def test_the_number_of_queries_does_not_depend_on_the_number_of_clients(
    ask: Callable[[Config, Reader, datetime], object], tmp_path: Path
) -> None:
    few, many = (_queries(ask, tmp_path / str(clients), clients) for clients in (10, 200))
    assert few == many
    assert 5 < many <= 60


def _queries(ask: Callable[[Config, Reader, datetime], object], directory: Path, clients: int) -> int:
    """The statements that SQLite runs for one question about a site of so many clients, half of them in clusters."""
    kinds = "".join(
        f'[clients."lpar{n:03d}"]\nkinds = ["mksysb", "savevg"]\nvolume_groups = ["datavg"]\n'
        for n in range(0, clients, 5)
    )
    file = directory / "nimwrap.toml"
    (directory / "state").mkdir(mode=0o700, parents=True)
    file.write_text(f'state_dir = "{directory}/state"\n[masters.nim]\ntransport = "local"\n{kinds}')
    config = load(file)
    names = [f"lpar{number:03d}" for number in range(clients)]
    with Store.open(config.database) as store:
        store.record_inventory("nim", [InventoryClient(name, "standalone") for name in names], NOW)
        for number, name in enumerate(names):
            began = NOW - timedelta(hours=2, seconds=number)
            run = Run(f"r{number}", name, "nim", began, Outcome.OK if number % 3 else Outcome.FAILED, ended=NOW)
            if number % 3 == 0:
                run = replace(run, failure=Failure(FailureCode.STALLED, "no sign of life", "ask the client"))
            store.record_run(run)
            if number % 2:
                store.update_run(run.id, cluster=Cluster(f"ha{number // 4}", "STABLE", nodes=(name,)))
            measured = {"mounted_on": "/export/nim", "free_bytes": 10**12}
            store.set_findings(run.id, [Finding("space", CheckStatus.OK, "enough", data=measured)])
            place = f"/export/nim/mksysb/{name}.mksysb"
            values = {"run": run.id, "client": name, "master": "nim", "location": place, "size_bytes": number}
            store.add_image(**values, verified=True, created=began)
            store.plan_change(run.id, "nim", place, added=["a"], before=None, at=began)
    asked: list[str] = []
    with Reader.open(config.database) as reader:
        assert reader._connection is not None
        reader._connection.set_trace_callback(asked.append)
        ask(config, reader, NOW)
    return len(asked)
