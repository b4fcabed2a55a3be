"""Faults of moments, of the hosts' output and of nimwrap's own state, on the embedded estate."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from nimwrap.estate import Estate
from tests.backup.evidence import nothing_left, only_run
from tests.faults.results import confirm, row
from tests.running import Cli, ConfigWriter, Ran, command, environment


def on_call(estate: Estate, host: str, program: str, words: int, act: str) -> None:
    """The first time that ``program`` is called on ``host`` with at least so many words, ``act`` happens before it."""
    path = estate.own_process(host, program)
    text = path.read_text()
    trigger = (
        "import os\nfrom pathlib import Path\nfrom nimwrap.estate import Estate\n"
        f"done = '{estate.root}/state/moment-{host}'\n"
        f"if len(sys.argv) > {words} and not os.path.exists(done):\n"
        f"    open(done, 'w').close()\n    Estate.load(Path('{estate.root}')).{act}\n"
    )
    assert "from nimwrap.estate.run import main\n" in text
    begin = "from nimwrap.estate.run import main\n"
    path.write_text(text.replace(begin, begin + trigger))


def happened(estate: Estate, host: str) -> bool:
    return (estate.root / f"state/moment-{host}").exists()


def test_failover_in_the_middle_of_the_preflight(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    on_call(estate, "powerha1", "/usr/bin/perl", 1, "fail_over('powerha2')")
    ran = run_cli("backup", "powerha1", "--json", config=estate_config())
    run = only_run(ran)
    assert happened(estate, "powerha1")
    assert (ran.exit_code, run["outcome"]) == (0, "ok"), ran.stdout
    assert nothing_left(estate, run["image"]["location"])
    confirm("failover-in-preflight", row(run, ran.exit_code, []))


@pytest.mark.parametrize(("client", "to"), [("powerha1", "powerha2"), ("powerha2", "powerha2")])
def test_failover_between_preflight_and_mount(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, client: str, to: str
) -> None:
    """The node that loses the group is let in from both addresses; the one that gains it is asked again and let in."""
    before = estate.exports_text()
    on_call(estate, client, "/usr/sbin/mount", 2, f"fail_over('{to}')")
    ran = run_cli("backup", client, "--json", config=estate_config())
    run = only_run(ran)
    assert happened(estate, client)
    assert (ran.exit_code, run["outcome"]) == (0, "ok"), ran.stdout
    assert estate.exports_text() == before
    assert nothing_left(estate, run["image"]["location"])
    note = "a node that gains the group needs a second attempt"
    confirm("failover-before-mount", row(run, ran.exit_code, [], note=note))


@pytest.mark.parametrize(("fault", "name"), [("garbled_output", "garbled"), ("french_locale", "french")])
def test_what_the_hosts_say_is_odd(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, fault: str, name: str
) -> None:
    estate.fault(fault)
    ran = run_cli("backup", "powerha1", "--json", config=estate_config())
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"]) == (0, "ok"), ran.stdout
    assert nothing_left(estate, run["image"]["location"])
    confirm(name, row(run, ran.exit_code, []))


def test_nim_hangs_midway(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config(backup={"timeout": "5s", "stall": "60s"}, retry={"attempts": 1})
    good = only_run(run_cli("backup", "powerha2", "--json", config=config))["image"]["location"]
    estate.fault("nim_hang_midway")
    ran = run_cli("backup", "powerha2", "--json", config=config)
    run = only_run(ran)
    assert (ran.exit_code, run["failure"]["code"]) == (1, "timed_out"), run["failure"]
    assert nothing_left(estate, good)
    confirm("nim-hangs-midway", row(run, ran.exit_code, []))


def test_the_state_directory_is_read_only(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config()
    config.write_text(config.read_text().replace(str(estate.root / "nimwrap"), "/sys/kernel/nimwrap"))
    ran = run_cli("backup", "powerha1", "--json", config=config)
    assert ran.exit_code not in (0, 3)
    assert ran.json["errors"][0]["message"], ran.stdout
    assert estate.changes() == []
    confirm("state-read-only", row(None, ran.exit_code, [], code=ran.codes[0], note="nothing is started"))


def test_the_history_is_locked(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config()
    good = only_run(run_cli("backup", "powerha2", "--json", config=config))["image"]["location"]
    estate.clear_log()
    holder = sqlite3.connect(estate.root / "nimwrap/history.db")
    try:
        holder.execute("begin exclusive")
        ran = run_cli("backup", "powerha2", "--json", config=config)
    finally:
        holder.rollback()
        holder.close()
    assert ran.exit_code not in (0, 3), ran.stdout
    assert nothing_left(estate, good)
    confirm("history-locked", row(None, ran.exit_code, [], code=ran.codes[0], note="nothing is started"))


def test_the_history_is_corrupted(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config()
    good = only_run(run_cli("backup", "powerha2", "--json", config=config))["image"]["location"]
    database = estate.root / "nimwrap/history.db"
    for path in database.parent.glob("history.db*"):
        path.write_bytes(b"no database at all " * 500)
    ran = run_cli("backup", "powerha2", "--json", config=config)
    left = list((estate.files("nim") / "export/nim/mksysb").rglob("*.mksysb"))
    assert any(str(path).endswith(good) for path in left), "the good image is still there"
    confirm("history-corrupted", row(None, ran.exit_code, [], code=(ran.codes or ["-"])[0]))


@pytest.mark.lab
def test_the_state_directory_is_full(estate: Estate, estate_config: ConfigWriter, tmp_path: Path) -> None:
    """A file system of its own for the state, filled to the last block after a first, good backup."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("a small file system of its own needs root on Linux")
    config, state = estate_config(), estate.root / "nimwrap"
    backup = " ".join(command("backup", "powerha2", "--json", config=config))
    script = (
        f"mkdir -p {state} && mount -t tmpfs -o size=2m tmpfs {state} || exit 99\n"
        f"{backup} >{tmp_path}/first || exit 98\n"
        f"cat /dev/zero >{state}/filler 2>/dev/null\n{backup}\n"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    ran = Ran(done.returncode, done.stdout, done.stderr)
    good = only_run(Ran(0, (tmp_path / "first").read_text(), ""))["image"]["location"]
    assert ran.exit_code not in (0, 3, 98, 99), ran.stdout + ran.stderr
    assert nothing_left(estate, good)
    confirm("state-full", row(None, ran.exit_code, [], code=ran.codes[0], note="nothing is started"))
