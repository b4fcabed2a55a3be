"""What is shown while images are made: on a terminal of any size, on one that cannot redraw, and as JSON lines."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from nimwrap.cli.output.progress_lines import describe
from nimwrap.cli.output.progress_table import LiveTable
from nimwrap.domain.codes import Outcome
from nimwrap.domain.progress import Progress
from nimwrap.estate import Estate
from tests.cli.terminal import on_terminal
from tests.running import ConfigWriter

HEIGHT = 24
COLOUR = re.compile(r"\x1b\[[0-9;]*3[0-7]m")


def frame(clients: int, width: int, encoding: str = "utf-8") -> list[str]:
    """One picture of a fleet of which so many are at work, and one is done."""
    table = LiveTable(clients + 1, colour=False)
    table.begins(lambda: datetime(2026, 11, 23, 3, 2, tzinfo=UTC))
    table.progresses(Progress("r", "done", "first"))
    for number in range(clients):
        table.progresses(
            Progress(
                f"r{number}",
                "image",
                f"client{number:02}",
                percent=number,
                size_bytes=number << 30,
                elapsed_s=60.0 * number,
                note="no sign of life for half an hour",
            )
        )
    written = io.TextIOWrapper(io.BytesIO(), encoding)
    Console(file=written, width=width, height=HEIGHT, color_system=None).print(table)
    written.seek(0)
    return written.read().splitlines()


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("clients", [3, 30])
def test_one_line_for_each_client_that_there_is_room_for_and_the_whole_below(width: int, clients: int) -> None:
    lines = frame(clients, width)
    assert max(map(len, lines)) <= width
    assert len(lines) < HEIGHT
    named = [line for line in lines if line.startswith("client")]
    assert [line.split()[0] for line in named] == [f"client{number:02}" for number in range(len(named))]
    assert all("making the image" in line and f" {number}%" in line for number, line in enumerate(named))
    assert lines[-1].startswith(f"1 of {clients + 1} clients")
    rest = clients - len(named)
    assert (f"and {rest} more" in lines) is (rest > 0)


@pytest.mark.parametrize("width", [40, 60, 80])
def test_what_is_cut_is_cut_between_words(width: int) -> None:
    def words(lines: list[str]) -> set[str]:
        found = {word for line in lines for word in line.removesuffix("...").split()}
        return {word for word in found if not set(word) <= set("\u2501\u2500")}

    assert words(frame(30, width)[:-1]) <= words(frame(30, 400))


def test_those_who_ended_failed_wait_and_are_looked_at_are_counted() -> None:
    table = LiveTable(9, colour=False)
    table.progresses(Progress("a", "done", "a", outcome=Outcome.OK))
    table.progresses(Progress("b", "done", "b", outcome=Outcome.REFUSED))
    table.progresses(Progress("c", "again", "c"))
    table.progresses(Progress("d", "image", "d"))
    table.progresses(Progress("e", "preflight", "e"))
    table.progresses(Progress("f", "waiting", "f"))
    written = io.StringIO()
    Console(file=written, width=120, height=HEIGHT, color_system=None).print(table)
    whole = written.getvalue().splitlines()[-1]
    assert whole.startswith("2 of 9 clients")
    for told in ("1 failed", "1 to be tried again", "1 at work", "4 waiting", "1 being checked"):
        assert told in whole


def test_a_terminal_without_unicode_gets_bars_that_it_can_show() -> None:
    assert frame(3, 80, "ascii")[-1].startswith("1 of 4 clients  ####------------")


@pytest.mark.parametrize(
    ("progress", "said"),
    [
        (Progress("", "recover", note="nim2 does not answer"), "nim2 does not answer"),
        (Progress("run-1", "history", note="event not recorded"), "run-1: event not recorded"),
        (Progress("run-1", "proof", "aix01"), "aix01: proving the image"),
    ],
)
def test_what_belongs_to_no_client_is_said_without_one(
    progress: Progress, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert describe(progress) == said
    table = LiveTable(2, colour=False)
    table.progresses(progress)
    assert (said in capsys.readouterr().err) is not progress.client


def test_a_master_that_is_down_is_said_in_one_well_formed_line(
    estate: Estate, estate_config: ConfigWriter, run_cli: Callable[..., Any]
) -> None:
    estate.instant()
    down = {"transport": "local", "shell": "/nonexistent/sh"}
    config = estate_config()
    assert run_cli("status", "--refresh", config=config).exit_code == 1
    config = estate_config(master=down)
    done = run_cli("backup", "aix01", config=config)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("what is open on nim ")]
    assert line.startswith("what is open on nim stays so for now: master nim: ")


@pytest.fixture
def config(estate: Estate, estate_config: ConfigWriter) -> Path:
    estate.instant()
    return estate_config()


def test_without_colours_the_live_view_has_none(config: Path, tmp_path: Path) -> None:
    shown = on_terminal("--no-color", "backup", "aix0*", home=tmp_path, config=config, TERM="xterm-256color")
    assert "of 2 clients" in shown
    assert not COLOUR.search(shown)
    assert COLOUR.search(on_terminal("backup", "aix0*", home=tmp_path, config=config, TERM="xterm-256color"))


def test_a_terminal_that_cannot_redraw_gets_lines(config: Path, tmp_path: Path) -> None:
    shown = on_terminal("backup", "aix01", home=tmp_path, config=config, TERM="dumb")
    assert "aix01: checking" in shown
    assert "aix01: done, ok" in shown
    assert "\x1b" not in shown


def test_json_lines_on_a_terminal_too(config: Path, tmp_path: Path) -> None:
    shown = on_terminal("--log-format", "json", "backup", "aix01", home=tmp_path, config=config, TERM="xterm-256color")
    lines = [json.loads(line) for line in shown.splitlines() if line.startswith("{")]
    assert [line["phase"] for line in lines][-1] == "done"
