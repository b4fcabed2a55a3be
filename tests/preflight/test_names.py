"""The resolver's scripts, run by the shells at hand against a resolver of our own."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from nimwrap.hosts.script_batch import PREAMBLE, answers
from nimwrap.preflight.host_names import Names, names_after, names_script, read_names

SHELLS = [shell for shell in ("/usr/bin/ksh", "/bin/sh") if shutil.which(shell)]
HOST = """\
host() { echo "$1" >&3; case $1 in
slow) sleep 60;;
node1|10.0.0.1) echo "node1 is 10.0.0.1";;
vip|10.0.0.2) echo "vip is 10.0.0.2,  Aliases:   vip.example.com";;
10.0.0.3) echo 'x;reboot is 10.0.0.3';;
10.0.0.4) echo '$(reboot) is 10.0.0.4';;
*) echo "host: 0827-803 Cannot find address $1."; return 1;; esac; }
nw_say() { echo "$1"; }
"""


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def resolved(shell: str, script: str) -> tuple[Names, list[str]]:
    """The answers, and what the resolver was asked for."""
    text = f"{{ {HOST}{script.replace(PREAMBLE, '')}\n}} 3>&2"
    done = subprocess.run([shell, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    return read_names(answers(done.stdout, "n0")), sorted(done.stderr.split())


def test_names_and_addresses(shell: str) -> None:
    found, asked = resolved(shell, names_script(["node1", "10.0.0.1", "10.0.0.2", "10.0.0.9"], "n0"))
    assert found.of("node1").need().addresses == ("10.0.0.1",)
    assert found.of("10.0.0.2").need().names == ("vip", "vip.example.com")
    assert found.unknown("10.0.0.9")
    assert asked == ["10.0.0.1", "10.0.0.2", "10.0.0.9", "node1"]
    assert [found.name_of(address) for address in ("10.0.0.2", "10.0.0.9")] == ["vip", None]


def test_a_name_from_outside_is_not_asked_unless_it_is_one(shell: str) -> None:
    found, _ = resolved(shell, names_script(["10.0.0.3", "10.0.0.4"], "n0"))
    assert [found.name_of(address) for address in ("10.0.0.3", "10.0.0.4")] == [None, None]


def test_one_that_hangs_does_not_take_the_others_along(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nimwrap.preflight.host_names.LIMIT_S", 1)
    found, _ = resolved(shell, names_script(["slow", "node1", "10.0.0.2"], "n0"))
    assert found.of("node1").value and found.of("10.0.0.2").value
    assert found.of("slow").value is None


@pytest.mark.parametrize(
    ("said", "fleet", "asked"),
    [
        ("10.0.0.1\n", False, ["10.0.0.1", "node1"]),
        ("10.0.0.1\n", True, ["10.0.0.1"]),
        ("10.0.0.2\n", True, ["10.0.0.2", "node1", "vip"]),
        ("10.0.0.2\n", False, ["10.0.0.2", "node1", "vip"]),
        ("10.0.0.4\n", True, ["10.0.0.4", "node1"]),
        ("sh: perl: not found\n", True, ["node1"]),
        ("", False, ["node1"]),
        ("1$(reboot)\n", False, ["node1"]),
    ],
)
def test_after_a_client_has_answered(shell: str, said: str, fleet: bool, asked: list[str]) -> None:
    given = f"nw_h=node1; nw_c='@@x begin source\nnw_master nim\nnw_perl\n{said}@@x end source 0\nnw_rc=0'\n"
    found, questions = resolved(shell, given + names_after("n0", fleet=fleet))
    assert questions == asked
    assert found.of("node1").need().addresses == ("10.0.0.1",)


def test_nothing_is_asked_for_a_client_that_did_not_answer(shell: str) -> None:
    found, asked = resolved(shell, "nw_h=node1; nw_c='0042-006 c_rsh'\n" + names_after("n0", fleet=False))
    assert (asked, found.found) == ([], {})
