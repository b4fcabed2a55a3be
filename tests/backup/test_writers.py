"""What a failure leaves on a client: nothing is pulled from below a writer, nothing of somebody else's is touched."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

from nimwrap.estate import Estate
from nimwrap.hosts.protocol import Host
from tests.backup.evidence import nothing_left, only_run, writing
from tests.backup.meddling import backed_up
from tests.running import Cli, ConfigWriter, begin
from tests.waiting import LIMIT_S, until


def on(estate: Estate, host: str, script: str) -> None:
    subprocess.run([estate.shell(host), "-c", script], check=True, capture_output=True)


def in_force(estate: Estate) -> bytes:
    """What is exported; what NIM itself wrote to /etc/exports before it was killed is another matter."""
    return bytes(estate.exports_text().partition(b"--- xtab ---")[2])


def test_a_mount_that_the_administrator_had_before_stays(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    directory = "/export/nim/mksysb/powerha2"
    on(estate, "nim", f"mkdir -p {directory}")
    estate.add_export(f"{directory} -rw,access=powerha2,root=powerha2")
    on(estate, "powerha2", f"mkdir /tmp/kept; mount nim:{directory} /tmp/kept")
    (kept,) = estate.mounts("powerha2")
    before = estate.exports_text()
    estate.fault("nim_hang_midway", True)
    config = estate_config(backup={"timeout": "4s", "stall": "60s"}, retry={"attempts": 1})
    run = only_run(run_cli("backup", "powerha2", "--json", config=config))
    assert run["failure"]["code"] == "timed_out", run["failure"]
    assert estate.mounts("powerha2") == [kept], "NIM's own stale mount is gone, the other one is not"
    assert estate.exports_text() == before


def test_nothing_is_taken_from_a_client_that_may_still_write(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    """nimsh dies while the image is written: the cancelled operation's writer cannot be ended, and goes on."""
    estate.hold_images("powerha2")
    before = in_force(estate)
    config = estate_config(retry={"attempts": 1})
    backup = begin(tmp_path, config, "backup", "powerha2", "--json")
    until(lambda: writing(estate), "the image is being written")
    estate.fault("nimsh_down", True, host="powerha2")
    (run,) = run_cli("history", "--json", config=config).data["runs"]
    run_cli("cancel", run["id"], "--json", config=config)
    backup.communicate(timeout=LIMIT_S)
    (ended,) = run_cli("history", "--json", config=config).data["runs"]
    assert (ended["outcome"], ended["failure"]["code"]) == ("failed", "cancelled")

    def untouched() -> bool:
        return (
            len(estate.mounts("powerha2")) == 1
            and in_force(estate) != before
            and estate.objects()["powerha2"]["Cstate"] != "ready for a NIM operation"
        )

    assert untouched()
    said = run_cli("recover", "--json", config=config)
    assert said.exit_code == 1 and "does not answer" in said.stdout
    assert untouched()
    estate.fault("nimsh_down", None, host="powerha2")
    assert estate.state.read("writers-powerha2")
    assert "still writes" in run_cli("recover", "--json", config=config).stdout or not untouched()
    estate.release_images()
    until(lambda: not estate.state.read("writers-powerha2"), "the client's own end")
    said = run_cli("recover", "--json", config=config)
    assert said.exit_code == 0, said.stdout
    assert in_force(estate) == before
    assert estate.objects()["powerha2"]["Cstate"] == "ready for a NIM operation"
    assert nothing_left(estate)


def test_an_image_is_kept_whose_starts_answer_was_lost(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    """No status of the client comes through any more, from the moment its job is started; its output does."""
    before = estate.exports_text()
    config = estate_config(retry={"attempts": 1}, backup={"remedies": ["own-mount"]})

    def lose(_: Host, script: str) -> str:
        estate.fault("lost_rc", True, host="powerha1")
        return script

    ended = backed_up(config, "powerha1", lose)
    assert (ended.outcome, ended.image and ended.image.verified) == ("warning", True)
    estate.fault("lost_rc", None, host="powerha1")
    assert run_cli("recover", "--json", config=config).exit_code == 0
    assert estate.exports_text() == before
    assert nothing_left(estate, ended.image.location if ended.image else "")


def test_a_client_that_is_lost_at_the_start_is_come_back_for(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    estate.hold_images("powerha1")
    before = estate.exports_text()
    config = estate_config(retry={"attempts": 1}, backup={"remedies": ["own-mount"]})
    room = estate.files("powerha1") / "tmp"

    def cut() -> None:
        until(lambda: list(room.glob("nimwrap*")), "the job is started")
        estate.fault("nimsh_down", True, host="powerha1")

    def lose(_: Host, script: str) -> str:
        estate.fault("lost_rc", True, host="powerha1")
        threading.Thread(target=cut).start()
        return script

    ended = backed_up(config, "powerha1", lose)
    assert (ended.outcome, ended.image) == ("failed", None)
    assert estate.exports_text() == before, "the export is closed whatever else is known"
    assert list(room.glob("nimwrap*"))
    assert run_cli("recover", "--json", config=config).exit_code == 1
    for fault in ("lost_rc", "nimsh_down"):
        estate.fault(fault, None, host="powerha1")
    estate.release_images()
    until(lambda: not estate.state.read("writers-powerha1"), "the client's own end")
    said = run_cli("recover", "--json", config=config)
    assert said.exit_code == 0, said.stdout
    assert nothing_left(estate)


def test_a_mount_of_ours_that_does_not_go_is_come_back_for(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    umount = estate.files("powerha1") / "usr/sbin/umount"
    real = umount.rename(umount.with_name("umount.real"))
    umount.write_text("#!/bin/sh\necho 'umount: 0506-349 Cannot unmount: the resource is busy.' >&2; exit 1\n")
    umount.chmod(0o755)
    config = estate_config()
    run = only_run(run_cli("backup", "powerha1", "--json", config=config))
    assert run["outcome"] == "ok" and len(estate.mounts("powerha1")) == 1
    assert "still mounted" in run_cli("recover", "--json", config=config).stdout
    real.rename(umount)
    said = run_cli("recover", "--json", config=config)
    assert said.exit_code == 0, said.stdout
    assert nothing_left(estate, run["image"]["location"])
