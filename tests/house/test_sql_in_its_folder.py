"""SQL stands below history/ only: everybody else asks for records by the name of a question."""

from __future__ import annotations

import re

from tests.house.sources import PACKAGE, literals, modules

STATEMENT = re.compile(
    r"\b(select\b.+\bfrom\b|insert\s+into\b|update\s+\w+\s+set\b|delete\s+from\b|create\s+(table|view|index)\b"
    r"|pragma\s+\w+|begin\s+immediate)",
    re.IGNORECASE | re.DOTALL,
)
ELSEWHERE = ("history/", "site/", "estate/")


def test_no_statement_stands_outside_the_history() -> None:
    found = [
        f"{name}: {text!r}" for name, tree in modules(ELSEWHERE) for text in literals(tree) if STATEMENT.search(text)
    ]
    assert found == []


def test_nobody_else_talks_to_sqlite() -> None:
    talks = re.compile(r"^\s*(import sqlite3|from sqlite3 |import sqlite_utils|from sqlite_utils )", re.MULTILINE)
    found = [
        name
        for name, _ in modules((*ELSEWHERE, "service/doctor/"))  # doctor says what this Python has
        if talks.search((PACKAGE / name).read_text())
    ]
    assert found == []


def test_only_those_who_compose_open_the_database() -> None:
    """Everybody below is handed the history: a connection for each question would be opened again and again."""
    opens = re.compile(r"\b(Reader|Store)\.open\(")
    composers = (*ELSEWHERE, "actions/", "cli/", "service/doctor/", "fleet/session.py")
    assert [name for name, _ in modules(composers) if opens.search((PACKAGE / name).read_text())] == []
