"""Writes the tables of docs/reliability.md (faults, variants, foreign hands) from what the tests recorded."""

from tests.faults.hands import with_hands
from tests.faults.results import DOCUMENT, with_table
from tests.faults.variants import with_variants

DOCUMENT.write_text(with_hands(with_variants(with_table(DOCUMENT.read_text()))))
