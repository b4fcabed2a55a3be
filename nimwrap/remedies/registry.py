"""The ways to make an image, by name.

A new remedy is a module of its own here, called like the remedy, and its name in ``config.model.REMEDIES``, which is
also the order in which they are tried by default. It is loaded when it is first asked for.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from nimwrap.config.model import REMEDIES
from nimwrap.domain.attempt_plan import NIM
from nimwrap.domain.errors import NimwrapError
from nimwrap.remedies.base import Remedy


@cache
def remedy(name: str) -> Remedy:
    """The way of that name, NIM's own included; NimwrapError for one that another version wrote down."""
    if name not in (NIM, *REMEDIES):
        raise NimwrapError(f"this nimwrap knows no remedy {name!r}", hint="use the version that began the run")
    module = "nim_operation" if name == NIM else name.replace("-", "_")
    found: Remedy = import_module(f"nimwrap.remedies.{module}").REMEDY
    return found
