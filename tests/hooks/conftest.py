from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nimwrap.estate import Estate
from tests.hooks.hooked import Hooked, HookedEstate
from tests.running import ConfigWriter


@pytest.fixture
def hooked(estate: Estate, estate_config: ConfigWriter, tmp_path: Path) -> HookedEstate:
    """An estate whose images are made at once, with the tables of its configuration; hooks are added to it."""

    def made(**tables: Any) -> Hooked:
        estate.instant()
        return Hooked(estate, estate_config(**tables), tmp_path)

    return made
