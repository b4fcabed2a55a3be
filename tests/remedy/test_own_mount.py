"""The client's side of own-mount, run by a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nimwrap.remedies.client_job import client_room, look_on_client

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
