"""Channels that carry less than a whole script, on a master of this machine's shells and a c_rsh written for it."""

from __future__ import annotations

import re
import shlex
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from nimwrap.hosts.channel_route import in_words, piece_bytes
from nimwrap.hosts.client_channel import ChannelAnswer, ClientRequest, ask_clients, client_command, parse_channel
from nimwrap.hosts.local import LocalHost
from nimwrap.hosts.packed_script import packed
from nimwrap.hosts.piecewise import C_RSH, SMALLEST
from tests.hosts.masters import executable

SHELLS = [shell for shell in ("ksh93", "mksh", "posh", "dash") if shutil.which(shell)]
SCRIPT = "printf '%s\\n' \"it's  \\$x `echo y`\" # a remark\n: " + "x" * 2500 + "\nset | grep -c nothing_at_all\nexit 7"
ANSWER = ChannelAnswer(True, 7, "it's  $x y\n0\n")
_CHANNEL = """\
#!/usr/bin/python3
import os, subprocess, sys
text = sys.argv[2]
with open({log!r}, "a") as log:
    log.write(repr(text) + "\\n")
{steps}
sys.stdout.flush()
subprocess.run([{shell!r}, "-c", text], stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT)
"""
REFUSE = "if len(text) > {n}: sys.exit(print('c_rsh: too long') or 1)"
CUT = "text = text[:{n}]"
LOSE = "for c in {chars!r}: text = text.replace(c, '')"
ONLY = "text = ''.join(c for c in text if c.isalnum() or c in ' /._-=+:,;>&')"
VARIANTS = {
    "cut at 2048": CUT.format(n=2048),
    "refused above 1024": REFUSE.format(n=1024),
    "refused above 512": REFUSE.format(n=512),
    "cut at 256": CUT.format(n=256),
    **{
        f"without {name}": LOSE.format(chars=chars)
        for name, chars in {
            "double quotes": '"',
            "quotes": "'",
            "both quotes": "'\"",
            "dollars": "$",
            "backslashes": "\\",
            "pipes": "|",
            "less-than signs": "<",
            "parentheses": "()",
            "braces": "{}",
            "stars": "*",
            "brackets": "[]",
            "percents": "%",
            "ands": "&",
            "semicolons": ";",
            "number signs": "#",
        }.items()
    },
    "wrapped": "text = 'ksh -c \"' + text + '\"'",
    "the smallest": ONLY + "\n" + REFUSE.format(n=SMALLEST),
}


@dataclass(frozen=True)
class Narrow:
    host: LocalHost
    log: Path
    tmp: Path

    @property
    def calls(self) -> int:
        return len(self.log.read_text().splitlines())

    @property
    def left(self) -> list[str]:
        """What still lies where pieces were put, and what stray redirections have made."""
        made = re.findall(r"mkdir (/tmp/nw[.]\w+)", self.log.read_text())
        return [path for path in made if Path(path).exists()] + sorted(path.name for path in self.tmp.iterdir())


def narrow(tmp_path: Path, steps: str, *, master: str = "dash", client: str = "ksh93") -> Narrow:
    """A master whose c_rsh does ``steps`` to a text, and runs it in this machine's ``client`` shell, in tmp_path."""
    log, there = tmp_path / "log", tmp_path / "client"
    there.mkdir()
    steps = f"{steps}\nos.chdir({str(there)!r})"
    tool = executable(tmp_path / "c_rsh", _CHANNEL.format(log=str(log), steps=steps, shell=shutil.which(client)))
    front = executable(
        tmp_path / "front",
        f"#!/bin/sh\nnw_script=$(printf '%s' \"$2\" | sed 's#{C_RSH}#{tool}#g')\nexec {master} -c \"$nw_script\"\n",
    )
    return Narrow(LocalHost("nim", str(front)), log, there)


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_narrow_channel_carries_the_script_in_the_end(tmp_path: Path, variant: str) -> None:
    channel = narrow(tmp_path, VARIANTS[variant])
    request = {"a": ClientRequest("a", SCRIPT)}
    (first,) = ask_clients(channel.host, "c_rsh", request).values()
    assert (first, channel.left) == (ANSWER, [])
    assert first.calls == channel.calls
    assert piece_bytes(first.route)
    (again,) = ask_clients(channel.host, "c_rsh", {"a": ClientRequest("a", SCRIPT, route=first.route)}).values()
    assert (again, again.route, channel.left) == (ANSWER, first.route, [])
    assert again.calls < first.calls


@pytest.mark.parametrize(("master", "client"), [*zip(SHELLS, reversed(SHELLS), strict=True), ("mksh", "mksh")])
def test_whatever_shells_master_and_client_have(tmp_path: Path, master: str, client: str) -> None:
    channel = narrow(tmp_path, VARIANTS["the smallest"], master=master, client=client)
    (found,) = ask_clients(channel.host, "c_rsh", {"a": ClientRequest("a", SCRIPT)}).values()
    assert (found, found.route, channel.left) == (ANSWER, f"c_rsh:{SMALLEST}", [])


@pytest.mark.parametrize("master", SHELLS)
def test_a_known_route_serves_scripts_that_nobody_waits_for(tmp_path: Path, master: str) -> None:
    channel = narrow(tmp_path, VARIANTS["refused above 512"], master=master)
    said = channel.host.run(client_command("c_rsh:512", "a", SCRIPT, 20)).stdout
    assert (parse_channel(said), channel.left) == (ANSWER, [])


def test_five_hundred_and_twelve_bytes_need_few_calls(tmp_path: Path) -> None:
    channel = narrow(tmp_path, VARIANTS["refused above 512"])
    script = "x" * 3400 + "\n" + SCRIPT[-60:]
    found = ask_clients(channel.host, "c_rsh", {"a": ClientRequest("a", ": " + script)})["a"]
    assert (found.reached, found.route) == (True, "c_rsh:512")
    assert found.calls == channel.calls <= 40
    assert in_words(found.route) == "c_rsh in pieces of 512 bytes"


def test_what_is_too_narrow_is_said_so_and_left_clean(tmp_path: Path) -> None:
    channel = narrow(tmp_path, REFUSE.format(n=200))
    found = ask_clients(channel.host, "auto", {"a": ClientRequest("a", SCRIPT)})["a"]
    assert (found.reached, found.narrow, found.route) == (False, True, "narrow:0")
    assert channel.left == []


def test_a_channel_that_runs_nothing_of_ours_is_no_dead_client(tmp_path: Path) -> None:
    channel = narrow(tmp_path, "sys.exit(print('not a method') or 1)")
    found = ask_clients(channel.host, "c_rsh", {"a": ClientRequest("a", SCRIPT)})["a"]
    assert (found.reached, found.narrow, found.route, found.output) == (False, True, "mute", "not a method\n")


def test_a_dead_client_is_called_twice_and_no_more(tmp_path: Path) -> None:
    channel = narrow(tmp_path, "sys.exit(print('0042-006 c_rsh: connect Connection refused') or 6)")
    found = ask_clients(channel.host, "auto", {"a": ClientRequest("a", SCRIPT)})["a"]
    assert (found.reached, found.narrow, channel.calls) == (False, False, 2)


def test_what_is_known_is_asked_for_again_when_it_stops_working(tmp_path: Path) -> None:
    channel = narrow(tmp_path, REFUSE.format(n=512))
    found = ask_clients(channel.host, "c_rsh", {"a": ClientRequest("a", SCRIPT, route="c_rsh:2048")})["a"]
    assert (found, found.route, channel.left) == (ANSWER, "c_rsh:512", [])


def test_a_plain_channel_is_called_once(tmp_path: Path) -> None:
    channel = narrow(tmp_path, "")
    found = ask_clients(channel.host, "auto", {"a": ClientRequest("a", SCRIPT)})["a"]
    assert (found, found.route, found.calls, channel.calls) == (ANSWER, "c_rsh", 1, 1)


@pytest.mark.parametrize("variant", [name for name in VARIANTS if name.startswith(("without", "wrapped"))])
def test_a_line_that_was_touched_on_the_way_does_nothing(tmp_path: Path, variant: str) -> None:
    channel = narrow(tmp_path, VARIANTS[variant])
    line = packed("echo done > touched\nrm -f kept 2>&1")
    (channel.tmp / "kept").touch()
    channel.host.run(f"{C_RSH} a {shlex.quote(line)}")
    assert channel.left == ["kept"]
