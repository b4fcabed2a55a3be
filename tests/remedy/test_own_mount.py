"""The client's side of own-mount, run by a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nimwrap.aix.classify import classify
from nimwrap.domain.codes import FailureCode
from nimwrap.remedies import client_job
from nimwrap.remedies.client_job import client_room, look_on_client, prepare_on_client

RUN = f"20261123T010203-test-{os.getpid()}"


@pytest.fixture
def room() -> Iterator[Path]:
    path = Path(client_room(RUN))
    path.mkdir()
    yield path
    shutil.rmtree(path)


def test_a_number_that_another_process_has_by_now_is_not_taken_for_the_job(room: Path) -> None:
    (room / "pid").write_text(f"{os.getpid()}\n")
    assert subprocess.run(["/bin/sh", "-c", look_on_client(RUN)], check=False, capture_output=True).returncode == 11


def test_the_job_itself_is_seen_as_running(room: Path) -> None:
    (room / "job").write_text("sleep 30\nexit 0\n")
    job = subprocess.Popen(["/bin/sh", str(room / "job")])
    (room / "pid").write_text(f"{job.pid}\n")
    try:
        look = subprocess.run(["/bin/sh", "-c", look_on_client(RUN)], check=False, capture_output=True)
        assert look.returncode == 10
    finally:
        job.kill()
        job.wait()


def job_of(room: Path, mount: str) -> subprocess.CompletedProcess[str]:
    """The job, written by its own script and run in the foreground."""
    shutil.rmtree(room)
    script = prepare_on_client(RUN, f"mkdir {room}", mount, "echo made", "echo unmounted")
    subprocess.run(["/bin/sh", "-c", script], check=True)
    (room / "way").write_text("test\n")
    return subprocess.run(
        ["/bin/sh", str(room / "job"), "test"], check=False, capture_output=True, text=True, timeout=60
    )


def test_a_mount_that_hangs_is_given_up(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_job, "_MOUNT_LIMIT_S", 1)
    job_of(room, "sleep 50")
    assert (room / "rc").read_text() == "90\n"
    assert classify((room / "out").read_text(), 90).code is FailureCode.CLIENT_UNREACHABLE


def test_a_mount_that_refuses_the_options_is_asked_without(room: Path) -> None:
    job_of(room, "{ echo usage; false; } || echo mounted")
    assert (room / "rc").read_text() == "0\n"
    assert (room / "out").read_text().splitlines() == ["usage", "mounted", "made"]
