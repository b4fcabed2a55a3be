"""A simulated estate: a NIM master, a PowerHA pair and plain clients as executables with state on disk.

``build`` and ``Estate`` load on first use only: every simulated executable passes through here too.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from nimwrap.estate.builder import build
    from nimwrap.estate.estate import Estate, Logged
    from nimwrap.estate.spec import Spec

__all__ = ["Estate", "Logged", "Spec", "build"]

_HOME = {"build": "builder", "Estate": "estate", "Logged": "estate", "Spec": "spec"}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(name)
    from importlib import import_module

    return getattr(import_module(f"nimwrap.estate.{_HOME[name]}"), name)
