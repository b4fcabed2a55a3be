"""The lab, once a session, clean for each test; an offence against AIX's userland fails the test that led to it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.lab import Lab, why_not


@pytest.fixture(scope="session")
def whole_lab() -> Iterator[Lab]:
    if reason := why_not():
        pytest.skip(reason)
    with Lab() as lab:
        yield lab


@pytest.fixture
def lab(whole_lab: Lab) -> Iterator[Lab]:
    """Clean; whatever the test did, no command of it may be one that AIX would not take."""
    whole_lab.reset()
    yield whole_lab
    assert whole_lab.offences() == "", "commands that AIX would refuse"
