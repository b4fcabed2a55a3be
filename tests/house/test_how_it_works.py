"""The page that leads newcomers through the code: every file that it names is there."""

from __future__ import annotations

import re

from tests.running import ROOT

PAGE = (ROOT / "docs" / "how-it-works.md").read_text()
FILE = re.compile(r"`((?:[a-z_]+/)*[a-z_]+\.py)`")


def test_every_file_named_is_there() -> None:
    named = FILE.findall(PAGE)
    assert len(named) > 100
    assert [path for path in named if not (ROOT / "nimwrap" / path).is_file()] == []


def test_every_room_is_described_by_a_file_of_it_or_by_name() -> None:
    rooms = {path.name for path in (ROOT / "nimwrap").iterdir() if (path / "__init__.py").is_file()}
    assert {room for room in rooms if f"{room}/" not in PAGE} <= {"estate", "scheduling", "service", "config"}
