"""Faults that only a real network, real processes and a real NFS server can have, through the CLI."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from tests.faults.results import confirm, row
from tests.lab.lab import MASTER, Lab
from tests.running import Ran

pytestmark = pytest.mark.lab
LIMIT_S = 90


def only_run(ran: Ran) -> dict[str, Any]:
    (run,) = ran.data["runs"]
    return dict(run)


def until(holds: Callable[[], Any], what: str) -> None:
    """Wait for something that a host or nimwrap is about to do; the limit only ends a test that has failed."""
    end = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < end, f"never happened: {what}"
        time.sleep(0.05)


def ended(process: Any, limit_s: float = 150) -> Ran:
    out, err = process.communicate(timeout=limit_s)
    return Ran(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))


class Slow(Lab):
    """For the type checker: the lab, and the good images that were there before the fault, by their paths."""

    good: dict[str, bytes]


@pytest.fixture
def slow(lab: Lab) -> Iterator[Slow]:
    """An image waits in its middle, so that something can happen there. The last good one survives all of it."""
    slow = cast("Slow", lab)
    slow.good = {}
    yield slow
    assert slow.good, "a fault is to meet a client that has a good image"
    for path, content in slow.good.items():
        assert content_of(slow, path) == content, f"{path} was good before the fault"
    objects = slow.estate.objects().values()
    assert slow.good.keys() <= {one.get("location") for one in objects if one.get("type") == "mksysb"}


def content_of(lab: Lab, path: str) -> bytes:
    """Nothing where there is no such file any more: a finished image is moved to its place."""
    file = lab.hosts[MASTER].tree / path.lstrip("/")
    return file.read_bytes() if file.exists() else b""


def new_images(slow: Slow) -> list[str]:
    return [path for path in slow.images() if path not in slow.good]


def writing(slow: Slow) -> bool:
    return any(len(content_of(slow, path)) > 30_000 for path in new_images(slow))


def begin_and_await_image(slow: Slow, transport: str = "ssh", **tables: Any) -> tuple[Any, Any]:
    """A second backup of powerha1 that has begun to write; the first one has left a good image."""
    config = slow.config(transport, **tables)
    slow.estate.setting(image_size=240_000)
    first = slow.nimwrap(config, "backup", "powerha1", "--json")
    assert first.exit_code == 0, first.stdout
    slow.good = {path: content_of(slow, path) for path in slow.images()}
    slow.estate.hold_images("powerha1")
    process = slow.begin(config, "backup", "powerha1", "--json")
    until(lambda: writing(slow), "the image is being written")
    return config, process


def test_nimsh_down(lab: Lab) -> None:
    lab.hosts["powerha1"].signal("nimsh.py")
    ran = lab.nimwrap(lab.config(), "backup", "powerha1", "--json")
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"], run["failure"]["code"]) == (10, "refused", "client_unreachable"), ran.stdout
    confirm("nimsh-down", row(run, ran.exit_code, lab.left()))


def test_client_cut_for_a_while(slow: Slow) -> None:
    _, process = begin_and_await_image(slow)
    slow.network.cut("powerha1")
    slow.estate.release_images()
    time.sleep(3)
    slow.network.mend("powerha1")
    ran = ended(process)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"]) == (0, "ok"), ran.stdout
    assert new_images(slow) == [run["image"]["location"]]
    confirm("client-cut-briefly", row(run, ran.exit_code, slow.left()))


def test_client_cut_for_good(slow: Slow) -> None:
    before = slow.exports_text()
    settings = {"backup": {"timeout": "8s", "stall": "300s"}, "retry": {"attempts": 1}}
    config, process = begin_and_await_image(slow, **settings)
    slow.network.cut("powerha1")
    slow.estate.release_images()
    ran = ended(process)
    run = only_run(ran)
    assert (ran.exit_code, run["failure"]["code"]) == (1, "timed_out"), ran.stdout
    assert slow.exports_text() == before, "the export is closed though the client cannot be asked"
    slow.network.mend("powerha1")
    until(lambda: slow.nimwrap(config, "recover", "--json").exit_code == 0 and not slow.left(), "recover finishes")
    assert new_images(slow) == []
    confirm("client-cut", row(run, ran.exit_code, slow.left(), note="its own files go with the next `recover`"))


def test_master_cut_for_a_while(slow: Slow) -> None:
    _, process = begin_and_await_image(slow)
    slow.network.cut(MASTER)
    slow.estate.release_images()
    time.sleep(3)
    slow.network.mend(MASTER)
    ran = ended(process)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"]) == (0, "ok"), ran.stdout + ran.stderr
    confirm("master-cut-briefly", row(run, ran.exit_code, slow.left()))


@pytest.mark.parametrize("transport", ["ssh", "openssh"])
def test_sshd_of_the_master_killed(slow: Slow, transport: str) -> None:
    _, process = begin_and_await_image(slow, transport=transport)
    master = slow.hosts[MASTER]
    assert master.signal("sshd")
    master.start_service(["/.lab/usr/sbin/sshd", "-D", "-e", "-f", "/.base/ssh/sshd_config"])
    slow.estate.release_images()
    ran = ended(process)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"]) == (0, "ok"), ran.stdout + ran.stderr
    confirm("sshd-killed", row(run, ran.exit_code, slow.left()))


def test_master_rebooted(slow: Slow) -> None:
    before = slow.exports_text()
    config, process = begin_and_await_image(slow, retry={"attempts": 1})
    master = slow.hosts[MASTER]
    master.kill()
    slow.estate.release_images()
    master.start()
    master.await_up()
    ran = ended(process)
    run = only_run(ran)
    assert (run["outcome"], run["failure"]["code"]) == ("failed", "killed"), ran.stdout
    until(lambda: slow.nimwrap(config, "recover", "--json").exit_code == 0 and not slow.left(), "recover finishes")
    assert slow.exports_text() == before
    assert new_images(slow) == []
    confirm("master-rebooted", row(run, ran.exit_code, slow.left()))


def test_control_host_killed(slow: Slow) -> None:
    before = slow.exports_text()
    config, process = begin_and_await_image(slow)
    process.send_signal(signal.SIGKILL)
    process.wait()
    slow.estate.release_images()
    ran = slow.nimwrap(config, "recover", "--json")
    run = slow.nimwrap(config, "history", "--json").data["runs"][0]
    assert (ran.exit_code, run["outcome"]) == (0, "ok"), ran.stdout
    assert slow.exports_text() == before
    confirm("control-killed", row(run, ran.exit_code, slow.left(), note="`recover` adopts what went on without it"))


def test_nfs_server_stalls_for_good(slow: Slow) -> None:
    before = slow.exports_text()
    settings = {"backup": {"timeout": "8s", "stall": "300s"}, "retry": {"attempts": 1}}
    _, process = begin_and_await_image(slow, **settings)
    slow.hosts[MASTER].signal("ganesha.nfsd", signal.SIGSTOP)
    slow.estate.release_images()
    try:
        ran = ended(process)
    finally:
        slow.hosts[MASTER].signal("ganesha.nfsd", signal.SIGCONT)
    run = only_run(ran)
    assert (ran.exit_code, run["failure"]["code"]) == (1, "timed_out"), ran.stdout
    assert slow.exports_text() == before
    assert new_images(slow) == []
    confirm("nfs-stalls", row(run, ran.exit_code, slow.left()))


def test_nfs_server_stalls_for_a_while(slow: Slow) -> None:
    _, process = begin_and_await_image(slow)
    slow.hosts[MASTER].signal("ganesha.nfsd", signal.SIGSTOP)
    slow.estate.release_images()
    time.sleep(3)
    slow.hosts[MASTER].signal("ganesha.nfsd", signal.SIGCONT)
    ran = ended(process)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"]) == (0, "ok"), ran.stdout
    confirm("nfs-stalls-briefly", row(run, ran.exit_code, slow.left()))


def test_failover_in_the_middle_of_the_image(slow: Slow) -> None:
    """A mount that stands goes on from the address that is left, which was let in beforehand."""
    before = slow.exports_text()
    config, process = begin_and_await_image(slow)
    slow.fail_over("powerha2")
    slow.estate.release_images()
    ran = ended(process)
    run = only_run(ran)
    assert slow.exports_text() == before
    slow.nimwrap(config, "recover", "--json")
    assert (ran.exit_code, run["outcome"]) == (0, "ok"), ran.stdout
    confirm("failover-in-image", row(run, ran.exit_code, slow.left()))


def test_an_administrator_edits_exports_meanwhile(slow: Slow) -> None:
    """Whatever was done to the entry in between stays; only what nimwrap added goes."""
    _, process = begin_and_await_image(slow)
    edited = (
        "echo '/export/nim/other -rw,access=aix01' >> /etc/exports; mkdir -p /export/nim/other; "
        "exportfs -i -o rw,access=aix01 /export/nim/other; "
        "exportfs | while read directory options; do case $directory in /export/nim/mksysb/*) "
        "exportfs -i -o ${options#-}:aix02 $directory;; esac; done; exportfs"
    )
    said = slow.hosts[MASTER].run(edited)
    assert said.status == 0 and ":aix02" in said.text, said.text
    slow.estate.release_images()
    ran = ended(process)
    run = only_run(ran)
    now = slow.exports_text().decode()
    assert (ran.exit_code, run["outcome"]) == (0, "ok"), ran.stdout
    assert "/export/nim/other -rw,access=aix01" in now, "the administrator's own line stays"
    assert "10.10.10.102" not in now and "powerha1" not in now, now
    confirm("admin-edits", row(run, ran.exit_code, slow.left(), note="what the administrator added stays"))


def test_two_control_hosts_want_the_same_client(slow: Slow) -> None:
    _, process = begin_and_await_image(slow)
    second = slow.nimwrap(slow.config("openssh"), "backup", "powerha1", "--json")
    other = slow.nimwrap(slow.config("local"), "backup", "aix01", "--json")
    slow.estate.release_images()
    first = ended(process)
    assert (first.exit_code, only_run(first)["outcome"]) == (0, "ok"), first.stdout
    assert (second.exit_code, only_run(second)["outcome"]) == (11, "locked"), second.stdout
    assert (other.exit_code, only_run(other)["outcome"]) == (0, "ok"), other.stdout
    left = slow.left()
    confirm("two-same", row(only_run(second), second.exit_code, left))
    confirm("two-different", row(only_run(other), other.exit_code, left))


def test_the_clock_of_the_master_jumps(slow: Slow) -> None:
    before = slow.exports_text()
    _, process = begin_and_await_image(slow)
    slow.shift_clock(366 * 86400)
    slow.estate.release_images()
    ran = ended(process)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"]) == (0, "ok"), ran.stdout
    assert slow.exports_text() == before
    confirm("clock-jump", row(run, ran.exit_code, slow.left()))
