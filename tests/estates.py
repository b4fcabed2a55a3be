"""An estate for a test, of whatever shell tests/shells runs that test under."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from nimwrap.estate import Estate, build

SHELL = "NIMWRAP_TEST_SHELL"


def built(place: Path, shell: str = "", **spec: Any) -> Estate:
    """Every script in it is run by ``shell``, else by the one that the environment names, else by the usual one."""
    shell = shell or os.environ.get(SHELL, "")
    estate = build(place, ksh=shell, **spec)
    if shell:
        estate.fault("root_shell", shell)
    return estate
