"""The description of the database names exactly what is in it, in both of its forms."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from nimwrap.history.sqlite.store import Store
from tests.history.samples import tell_founding_case
from tests.running import ROOT

PAGE = (ROOT / "docs" / "history.md").read_text()
METADATA = json.loads((ROOT / "docs" / "datasette.json").read_text())["databases"]["history"]


@pytest.fixture
def schema(store: Store) -> dict[str, list[str]]:
    """Columns by table and view, as the database itself says."""
    connection = store.database.conn
    names = [name for (name,) in connection.execute("select name from sqlite_master where type in ('table', 'view')")]
    own = [name for name in names if not name.startswith(("sqlite_", "_sqlite_"))]
    return {name: [row[1] for row in connection.execute(f"pragma table_info({name})")] for name in own}


def test_the_page_has_every_table_and_column(schema: dict[str, list[str]]) -> None:
    assert {name: [column for column, _ in rows] for name, rows in _page().items()} == schema


def test_datasette_is_told_the_same(schema: dict[str, list[str]]) -> None:
    tables: dict[str, dict[str, Any]] = METADATA["tables"]
    assert {name: list(table["columns"]) for name, table in tables.items()} == schema
    page = {name: {column: said.replace("`", "") for column, said in rows} for name, rows in _page().items()}
    assert {name: table["columns"] for name, table in tables.items()} == page


def test_the_queries_run(store: Store) -> None:
    tell_founding_case(store)
    connection = store.database.conn
    for name, query in METADATA["queries"].items():
        connection.execute(query["sql"], {"client": "powerha1"} if ":client" in query["sql"] else {})
        assert f"`{name}`: {query['title']}" in PAGE
    found = connection.execute(METADATA["queries"]["source_addresses"]["sql"]).fetchall()
    assert len(found) == 1


def _page() -> dict[str, list[tuple[str, str]]]:
    """Of each ``### name`` the rows of its table: column and meaning."""
    sections = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
    row = re.compile(r"^\| `(\w+)` \| (.+) \|$", re.MULTILINE)
    return {section.split("\n", 1)[0]: row.findall(section) for section in sections}
