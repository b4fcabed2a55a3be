"""Writes the tables of faults and of foreign hands into docs/reliability.md from what the tests recorded."""

from tests.faults.hands import with_hands
from tests.faults.results import DOCUMENT, with_table

DOCUMENT.write_text(with_hands(with_table(DOCUMENT.read_text())))
