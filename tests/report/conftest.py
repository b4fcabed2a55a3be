"""The site that the tests of this room look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nimwrap.config.load import load
from nimwrap.config.model import Config
from nimwrap.history.sqlite.queries import Reader
from tests.report.site import build


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """The example site, which no test changes."""
    return load(build(tmp_path_factory.mktemp("site")))


@pytest.fixture
def reader(site: Config) -> Iterator[Reader]:
    with Reader.open(site.database) as opened:
        yield opened
