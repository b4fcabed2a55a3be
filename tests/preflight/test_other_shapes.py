"""Preflight where a tool prints the same in another shape: line ends of a terminal, another resolver's words."""

from __future__ import annotations

import resource
import shlex
import shutil
import subprocess

import pytest

from nimwrap.estate import Estate
from nimwrap.preflight.master_facts import FSIZE, parse_fsize
from tests.preflight.findings import BOOT, SERVICE, finding, only
from tests.running import Cli, ConfigWriter

C_RSH = "/usr/lpp/bos.sysmgt/nim/methods/c_rsh"
POINTER = rf"s/^\(.*\) is {SERVICE}$/{'.'.join(reversed(SERVICE.split('.')))}.in-addr.arpa domain name pointer \1./"


def reshaped(estate: Estate, tool: str, sed: str, before: str = "") -> None:
    """Put ``sed`` behind a tool of the master, and shell text before it. The tool is started as it was, for it looks
    where it lies."""
    path = estate.own_process("nim", tool)
    _, start, *program = path.read_text().splitlines()
    python = start.split()[1]
    called = shlex.quote("; ".join(["import sys", "sys.argv = sys.argv[1:]", *program]))
    path.write_text(f'#!/bin/sh\n{before}\n{python} -SEs -c {called} "$0" "$@" 2>&1 | sed {shlex.quote(sed)}\n')


def test_a_channel_that_ends_its_lines_as_a_terminal_does(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config()
    before = only(run_cli("check", "powerha1", "--json", config=config))
    reshaped(estate, C_RSH, r"s/$/\r/")
    after = only(run_cli("check", "powerha1", "--json", config=config))
    assert after["source_address"] == {"expected": BOOT, "actual": SERVICE, "method": "perl"}
    assert (after["verdict"], after["cluster"]) == (before["verdict"], before["cluster"])
    assert [one["status"] for one in after["findings"]] == [one["status"] for one in before["findings"]]


def test_a_level_whose_lsnim_wants_a_name_or_a_type(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config()
    before = run_cli("check", "--all", "--json", config=config)
    reshaped(estate, "/usr/sbin/lsnim", "", '[ "$*" != -l ] || { echo "usage: lsnim ..." >&2; exit 2; }')
    after = run_cli("check", "--all", "--json", config=config)
    verdicts = [[(one["client"], one["verdict"]) for one in ran.data["clients"]] for ran in (before, after)]
    assert (after.exit_code, verdicts[1]) == (0, verdicts[0])


@pytest.mark.parametrize(
    "shape",
    [POINTER, r"1s/^/Using the local host table\n/"],
    ids=["as other resolvers say it", "a line before the answer"],
)
def test_names_are_let_in_however_the_resolver_words_its_answer(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, shape: str
) -> None:
    config = estate_config()
    reshaped(estate, "/usr/bin/host", shape)
    ran = run_cli("check", "powerha1", "--json", config=config)
    told = finding(only(ran), "reverse_lookup")
    assert (told["status"], told["message"]) == ("ok", f"{SERVICE} is powerha1-vip on the master"), told
    estate.clear_log()
    assert run_cli("backup", "powerha1", "--json", config=config).exit_code == 0
    opened = [argument for one in estate.log() for argument in one.argv if "access=" in argument]
    assert opened and all("powerha1-vip" in options for options in opened)


@pytest.mark.parametrize("shell", [name for name in ("ksh", "dash", "bash") if shutil.which(name)])
def test_the_file_size_limit_is_the_same_in_every_shell(shell: str) -> None:
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (64 << 20, 64 << 20))

    done = subprocess.run([shell, "-c", FSIZE.shell], preexec_fn=limit, capture_output=True, text=True, check=True)
    assert parse_fsize(done.stdout) == 64 << 20
