"""No question of status, report and metrics reads a whole table: a million runs must not slow them down."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import pytest

from nimwrap.config.model import Config
from nimwrap.history.sqlite.queries import Reader
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
