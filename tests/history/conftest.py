from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path, patience_s=0.5) as opened:
        yield opened


@pytest.fixture
def reader(store: Store) -> Iterator[Reader]:
    with Reader.open(store.path) as opened:
        yield opened
