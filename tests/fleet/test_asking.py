"""Leaving while a master says nothing: one signal is enough, whatever is being asked."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Event

import pytest

from nimwrap.concurrency import AT_ONCE, map_concurrent
from nimwrap.estate import Estate
from tests.running import ConfigWriter, begin
from tests.waiting import until

ANSWERED_S = 10


def test_answers_come_in_order_and_no_more_than_a_few_are_asked_at_once() -> None:
    together = Barrier(AT_ONCE)
    at_work: list[int] = []
    most: list[int] = []

    def ask(number: int) -> int:
        at_work.append(number)
        together.wait(30)
        most.append(len(at_work))
        together.wait(30)
        at_work.remove(number)
        return number * number

    numbers = range(4 * AT_ONCE)
    assert list(map_concurrent(ask, numbers).items()) == [(number, number * number) for number in numbers]
    assert set(most) == {AT_ONCE}


def test_the_first_error_does_not_wait_for_the_slowest() -> None:
    never = Event()

    def ask(name: str) -> None:
        if name == "broken":
            raise LookupError(name)
        never.wait(60)

    with pytest.raises(LookupError, match="broken"):
        map_concurrent(ask, ["hanging", "broken"])
    never.set()


def test_when_told_to_stop_only_the_answers_are_returned() -> None:
    never, stop = Event(), Event()

    def ask(name: str) -> str:
        if name == "hanging":
            stop.set()
            never.wait(60)
        return name

    assert map_concurrent(ask, ["hanging"], stop=stop) == {}
    assert map_concurrent(ask, [], stop=Event()) == {}
    never.set()


@pytest.fixture
def silent_master(estate: Estate, estate_config: ConfigWriter, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """A configuration whose master starts a command and says nothing, and the file that it makes when it does."""
    asked, end, shell = tmp_path / "asked", tmp_path / "end", tmp_path / "shell"
    shell.write_text(f"#!/bin/sh\n: >{asked}\nfor i in 1 2 3 4 5 6 7 8 9; do [ -f {end} ] && exit; sleep 5; done\n")
    shell.chmod(0o755)
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "often.toml").write_text('[often]\ncron = "* * * * *"\ntargets = ["aix01"]\n')
    yield estate_config(master={"shell": str(shell)}), asked
    end.touch()


@pytest.mark.parametrize(
    ("arguments", "number", "code"),
    [
        (("check", "aix01"), signal.SIGINT, 130),
        (("backup", "aix01"), signal.SIGTERM, 143),
        (("schedule", "run", "often"), signal.SIGINT, 130),
        (("schedule", "due"), signal.SIGTERM, 143),
        (("schedule", "due"), signal.SIGINT, 130),
        (("status", "--refresh"), signal.SIGTERM, 143),
        (("doctor",), signal.SIGINT, 130),
    ],
    ids=str,
)
def test_one_signal_is_obeyed_while_a_master_hangs(
    arguments: tuple[str, ...], number: int, code: int, silent_master: tuple[Path, Path], tmp_path: Path
) -> None:
    config, asked = silent_master
    child = begin(tmp_path, config, *arguments, "--json")
    until(asked.exists, "the master is asked")
    child.send_signal(number)
    out, err = child.communicate(timeout=ANSWERED_S)
    assert (child.returncode, err) == (code, b"")
    answer = json.loads(out)
    assert [error["code"] for error in answer["errors"]] == ["cancelled"]
    assert not answer["data"].get("runs")
