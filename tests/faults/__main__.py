"""Writes the tables of faults and of variants into docs/reliability.md from what the tests recorded."""

from tests.faults.results import DOCUMENT, with_table
from tests.faults.variants import with_variants

DOCUMENT.write_text(with_variants(with_table(DOCUMENT.read_text())))
