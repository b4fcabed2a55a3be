"""The ports have every question and every write of the database that implements them, under the same names."""

from __future__ import annotations

import inspect

import pytest

from nimwrap.history.ports import History, Queries
from nimwrap.history.sqlite.connection import ReadOnly
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store


def named(kind: type) -> set[str]:
    return {name for name, _ in inspect.getmembers(kind, inspect.isfunction) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("port", "made_by", "own"),
    [(Queries, Reader, named(ReadOnly)), (History, Store, {"close", "writing"})],
)
def test_a_port_names_what_its_database_does(port: type, made_by: type, own: set[str]) -> None:
    assert named(port) == named(made_by) - own
    for name in named(port):
        ours, theirs = inspect.signature(getattr(port, name)), inspect.signature(getattr(made_by, name))
        assert list(ours.parameters) == list(theirs.parameters), name
