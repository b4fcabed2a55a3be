"""Writes the table of faults into docs/reliability.md from what the tests recorded."""

from tests.faults.results import DOCUMENT, with_table

DOCUMENT.write_text(with_table(DOCUMENT.read_text()))
