"""The lock that a removal takes, when the answers about it are lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nimwrap.backup.recovery import recover
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.history.run_lease import run_locks
from nimwrap.hosts.protocol import CommandResult
from nimwrap.locks.client_locks import client_locked
from nimwrap.master_context import MasterContext
from tests.cutting import LOST, CutHost
from tests.images.imagelab import Lab

TAKING = '> "$lock/owner"'


def cut(lab: Lab, lost: int) -> MasterContext:
    """The lock is taken and its answer lost; so are the ``lost - 1`` scripts after it, before they run."""
    met: list[str] = []

    def meet(script: str, run: object) -> CommandResult | None:
        if not met and TAKING not in script:
            return None
        met.append(script)
        if len(met) == 1:
            lab.host.run(script)
        return LOST if len(met) <= lost else None

    return replace(lab.context, host=CutHost(lab.host, meet))


def locked(context: MasterContext) -> bool:
    try:
        with client_locked(context, "aix01", "prune") as held:
            return not isinstance(held, Failure)
    except NimwrapError:
        return False


def locks(lab: Lab) -> list[str]:
    place = lab.disk("/var/adm/nimwrap/locks")
    return [path.name for path in place.iterdir()] if place.exists() else []


@pytest.mark.parametrize("lost", [1, 2])
def test_a_lock_whose_taking_was_not_answered_is_given_back(lab: Lab, lost: int) -> None:
    assert not locked(cut(lab, lost))
    if lost > 1:
        assert locks(lab) == ["aix01"], "nobody could give it back yet"
    recover(lab.context, lab.reader, wait=False)
    assert locks(lab) == []
    assert run_locks(lab.config.state_dir) == {}
    assert locked(lab.context)


def test_recover_that_is_cut_as_it_gives_the_lock_back_leaves_it_to_the_next(lab: Lab) -> None:
    assert not locked(cut(lab, 2))

    def meet(script: str, run: object) -> CommandResult | None:
        return LOST if "locks/*; do free" in script else None

    recover(replace(lab.context, host=CutHost(lab.host, meet)), lab.reader, wait=False)
    assert locks(lab) == ["aix01"]
    recover(lab.context, lab.reader, wait=False)
    assert locks(lab) == []
