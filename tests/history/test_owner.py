"""Who owns a run: exactly the living, across processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from nimwrap.domain.errors import NimwrapError
from nimwrap.history.run_lease import RunLease, owner_alive, remove_lease, run_locks
from tests.running import ROOT

_HOLDS = """
import sys
from pathlib import Path
from nimwrap.history.run_lease import RunLease
lock = RunLease(Path(sys.argv[1]), "r1")
print("held", flush=True)
sys.stdin.read()
"""
_ASKS = """
import sys
from pathlib import Path
from nimwrap.history.run_lease import owner_alive
print(owner_alive(Path(sys.argv[1]), "r1"))
"""


def test_an_owner_lives_until_it_lets_go(tmp_path: Path) -> None:
    assert not owner_alive(tmp_path, "r1")
    with RunLease(tmp_path, "r1") as lock:
        assert owner_alive(tmp_path, "r1")
        assert not owner_alive(tmp_path, "r2")
    assert not owner_alive(tmp_path, "r1")
    assert not lock.path.exists()
    lock.release()


def test_asking_does_not_cost_the_owner_its_lock(tmp_path: Path) -> None:
    with RunLease(tmp_path, "r1"):
        assert owner_alive(tmp_path, "r1")
        assert _ask(tmp_path) == "True"
        with pytest.raises(NimwrapError):
            RunLease(tmp_path, "r1")
        assert _ask(tmp_path) == "True"
    assert _ask(tmp_path) == "False"


def test_a_killed_owner_is_dead_and_can_be_followed(tmp_path: Path) -> None:
    holder = _start(_HOLDS, tmp_path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert owner_alive(tmp_path, "r1")
    with pytest.raises(NimwrapError) as caught:
        RunLease(tmp_path, "r1")
    assert (caught.value.code, caught.value.exit_code) == ("locked", 11)
    holder.kill()
    holder.wait()
    assert not owner_alive(tmp_path, "r1")
    with RunLease(tmp_path, "r1"):
        assert owner_alive(tmp_path, "r1")


def test_of_several_who_want_it_one_has_it(tmp_path: Path) -> None:
    script = _HOLDS.replace(
        'lock = RunLease(Path(sys.argv[1]), "r1")',
        """
try:
    lock = RunLease(Path(sys.argv[1]), "r1")
except Exception as error:
    print(error.code, flush=True)
    sys.exit()""",
    )
    started = [_start(script, tmp_path) for _ in range(6)]
    said = [one.stdout.readline().strip() for one in started if one.stdout]
    for one in started:
        one.communicate()
    assert sorted(said) == ["held", *["locked"] * 5]


@pytest.mark.parametrize("name", ["", "../r1", "a/b", ".hidden", "x" * 200])
def test_a_name_cannot_lead_elsewhere(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="cannot name a lock"):
        owner_alive(tmp_path, name)


def _start(script: str, state_dir: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, str(state_dir)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def _ask(state_dir: Path) -> str:
    return _start(_ASKS, state_dir).communicate()[0].strip()


def test_lock_files_of_dead_runs_are_swept_and_no_others(tmp_path: Path) -> None:
    dead, living = "20261123T010203-aix01-4f2a", "20261123T010203-aix02-4f2b"
    with RunLease(tmp_path, living), RunLease(tmp_path, "serve"):
        (tmp_path / "owners" / f"{dead}.lock").touch()
        made = run_locks(tmp_path)
        assert set(made) == {dead, living}
        assert all(at.tzinfo is not None for at in made.values())
        for run in made:
            remove_lease(tmp_path, run)
        assert set(run_locks(tmp_path)) == {living}
        assert owner_alive(tmp_path, living)
        assert owner_alive(tmp_path, "serve")


def test_the_lock_of_a_living_process_is_not_swept(tmp_path: Path) -> None:
    run = "20261123T010203-aix01-4f2a"
    holder = _start(_HOLDS.replace('"r1"', f'"{run}"'), tmp_path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    remove_lease(tmp_path, run)
    assert set(run_locks(tmp_path)) == {run}
    holder.kill()
    holder.wait()
    remove_lease(tmp_path, run)
    assert run_locks(tmp_path) == {}
