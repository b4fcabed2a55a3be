"""Cases of which `make test` takes some, and `make slow` the rest."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pytest


def some(values: Sequence[Any], *, always: Collection[Any]) -> list[Any]:
    """Parameters for pytest: those not in ``always`` are slow."""
    return [pytest.param(one, marks=() if one in always else pytest.mark.slow) for one in values]
