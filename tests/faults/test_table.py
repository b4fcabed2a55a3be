"""docs/reliability.md says what the tests found, for every fault."""

from __future__ import annotations

from tests.faults.hands import HANDS, stored_hands, with_hands
from tests.faults.results import DOCUMENT, FAULTS, stored, with_table


def test_the_table_is_up_to_date() -> None:
    text = DOCUMENT.read_text()
    assert with_table(text) == text, "run: python -m tests.faults"


def test_every_fault_has_a_row_and_leaves_nothing() -> None:
    rows = stored()
    assert list(rows) == list(FAULTS)
    assert {name: one["left"] for name, one in rows.items() if one["left"]} == {}


def test_the_table_of_foreign_hands_is_up_to_date() -> None:
    text = DOCUMENT.read_text()
    assert with_hands(text) == text, "run: python -m tests.faults"
    assert list(stored_hands()) == list(HANDS)
