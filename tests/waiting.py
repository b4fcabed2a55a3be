"""Waiting for what nimwrap or the estate is about to do."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LIMIT_S = 300


def until(holds: Callable[[], Any], what: str) -> Any:
    """Wait for something that the estate or nimwrap is about to do; the limit only ends a test that has failed."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        if value := holds():
            return value
        time.sleep(0.05)
    raise AssertionError(f"never happened: {what}")
