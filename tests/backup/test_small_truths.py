"""Small things that must be true: output that is too long, a failover in the middle, a recover that reached nobody."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from nimwrap.estate import Estate
from tests.backup.evidence import only_run, writing
from tests.running import Cli, ConfigWriter, begin
from tests.waiting import LIMIT_S, until


def test_words_after_the_proof_do_not_push_it_out(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    nim = estate.own_process("nim", "/usr/sbin/nim")
    _, start, *program = nim.read_text().splitlines()
    called = shlex.quote("; ".join(["import sys", "sys.argv = sys.argv[1:]", *program]))
    words = "awk 'BEGIN { for (i = 0; i < 2000; i++) print \"a line such as some exit program of the site prints\" }'"
    nim.write_text(
        f'#!/bin/sh\n{start.split()[1]} -SEs -c {called} "$0" "$@"; rc=$?\n'
        f'case "$*" in *define*) {words};; esac\nexit $rc\n'
    )
    run = only_run(run_cli("backup", "aix01", "--json", config=estate_config(retry={"attempts": 1})))
    assert run["outcome"] == "ok", run["failure"]


def test_a_failover_in_the_middle_is_named_in_the_failure(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    estate.hold_images("powerha1")
    estate.fault("truncated_image_rc0", host="powerha1")
    config = estate_config(retry={"attempts": 1})
    backup = begin(tmp_path, config, "backup", "powerha1", "--json")
    until(lambda: writing(estate), "the image is being written")
    estate.fail_over("powerha2")
    estate.release_images()
    stdout, _ = backup.communicate(timeout=LIMIT_S)
    (run,) = json.loads(stdout)["data"]["runs"]
    assert run["outcome"] == "failed"
    assert "a failover in the middle" in run["failure"]["message"], run["failure"]


def test_a_recover_that_reached_no_master_does_not_say_that_nothing_was_open(run_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("")
    config = tmp_path / "nimwrap.toml"
    config.write_text(
        f'state_dir = "{tmp_path}/state"\n[masters.nim]\ntransport = "ssh"\nhost = "127.0.0.1"\nport = 1\n'
        f'known_hosts = "{tmp_path}/known_hosts"\n'
    )
    ran = run_cli("recover", config=config)
    assert ran.exit_code == 12
    assert "Nothing was open" not in ran.stdout
    assert "No master was reached" in ran.stdout
    assert run_cli("images", "list", "--json", config=config).exit_code == 12
    assert run_cli("--version", config=config).exit_code == 0
