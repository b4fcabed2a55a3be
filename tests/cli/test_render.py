"""What a verb writes: plain columns in a pipe, nothing that could hurt a terminal, JSON for every record."""

import io
import json
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimwrap.cli.output.printer import Printer, jsonable, print_json
from nimwrap.cli.output.streams import bare, clean, put
from nimwrap.config.secret import Secret

PLAIN = Printer(colour=False, terminal=False)
COLOURED = Printer(colour=True, terminal=False)


def test_a_table_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    PLAIN.table(("client", "age", "note"), [("aix01", 3, None), ("powerha1", "", "two\nlines")])
    assert capsys.readouterr().out == ("CLIENT    AGE  NOTE\naix01     3    -\npowerha1  -    two lines\n")


def test_colours_do_not_move_columns(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [("aix01", "ok", "x"), ("aix02", "refused", "y")]
    COLOURED.table(("client", "outcome", "z"), [(name, COLOURED.word(word), z) for name, word, z in rows])
    coloured = capsys.readouterr().out
    PLAIN.table(("client", "outcome", "z"), rows)
    assert "\x1b[32mok\x1b[0m" in coloured
    assert bare(coloured) == capsys.readouterr().out


def test_a_table_on_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Printer(colour=False, terminal=True).table(("client", "age"), [("aix01", "[bold]3[/bold]")])
    out = capsys.readouterr().out
    assert "[bold]3[/bold]" in out  # what a host said is never markup


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (60, ["CLIENT  WHY", "aix01   " + " ".join(["word"] * 10), "        word word word word"]),
        (30, ["CLIENT", "aix01", "    why: " + " ".join(["word"] * 4), *["      " + " ".join(["word"] * 5)] * 2]),
    ],
    ids=["the last column goes on below itself", "it stands below its row"],
)
def test_a_table_is_no_wider_than_the_terminal(
    width: int, lines: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    Printer(colour=False, terminal=True).table(("client", "why"), [("aix01", " ".join(["word"] * 14))])
    assert capsys.readouterr().out.splitlines() == lines


def test_pairs(capsys: pytest.CaptureFixture[str]) -> None:
    PLAIN.pairs([("client", "aix01"), ("image", None), ("note", ""), ("size", 0), ("evidence", "a\nb")])
    assert capsys.readouterr().out == "client:   aix01\nsize:     0\nevidence: a\n          b\n"


def test_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert PLAIN.word("ok") == "ok"
    assert COLOURED.word("refused") == "\x1b[31mrefused\x1b[0m"
    assert COLOURED.word("anything else") == "anything else"
    COLOURED.heading("a heading")
    PLAIN.line("a\x1b]0;title\x07b\x9b31m\rc\ud800\udcff\td\ne")
    out = capsys.readouterr().out.splitlines()
    assert out == ["\x1b[1ma heading\x1b[0m", "a\\x1b]0;title\\x07b\\x9b31m\\x0dc\ufffd\\xff\td", "e"]


@given(st.text(st.characters(max_codepoint=0x2FFF)))
def test_clean_text_has_no_controls(text: str) -> None:
    assert not {char for char in clean(text) if (ord(char) < 32 or 0x7F <= ord(char) < 0xA0) and char not in "\n\t"}
    assert "\x1b" not in bare(clean(text, keep_colour=True))
    assert clean(clean(text)) == clean(text)


class Word(StrEnum):
    OK = "ok"


class Number(IntEnum):
    THREE = 3


@dataclass(frozen=True)
class Record:
    word: Word
    when: datetime
    inner: tuple[Path, ...]


def test_records_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    when = datetime(2026, 11, 23, 2, 3, 4, 999, tzinfo=timezone(timedelta(hours=1)))
    document = {
        "record": Record(Word.OK, when, (Path("/a"),)),
        "number": Number.THREE,
        "set": {"b", "a"},
        "secret": Secret("json://token@x"),
        "text": "é\udcff",
        3: None,
    }
    assert jsonable(document)["number"] == 3
    print_json(document)
    assert json.loads(capsys.readouterr().out) == {
        "record": {"word": "ok", "when": "2026-11-23T01:03:04+00:00", "inner": ["/a"]},
        "number": 3,
        "set": ["a", "b"],
        "secret": "json://***",
        "text": "é?",
        "3": None,
    }


def test_an_encoding_that_cannot_say_it() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    put(stream, "é\n")
    assert raw.getvalue() == b"\\xe9\n"


def test_a_narrow_terminal_has_the_long_column_below_its_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    why = "the last run failed: 3.1 GiB free in /export/nim, 7.4 GiB needed"
    rows = [("aix01", "critical", "2026-11-23 01:00", why), ("aix02", "ok", "2026-11-23 01:00", "")]
    Printer(colour=False, terminal=True).table(("client", "verdict", "last good", "why"), rows)
    assert capsys.readouterr().out.splitlines() == [
        "CLIENT  VERDICT   LAST GOOD",
        "aix01   critical  2026-11-23 01:00",
        "    why: the last run failed: 3.1 GiB",
        "      free in /export/nim, 7.4 GiB",
        "      needed",
        "aix02   ok        2026-11-23 01:00",
    ]
    Printer(colour=False, terminal=True).table(("client", "a longer heading", "another heading"), [("x", "y", "z")])
    shown = capsys.readouterr().out.splitlines()
    assert shown == ["CLIENT  A LONGER HEADING", "x       y", "    another heading: z"]


def test_the_json_of_a_latin_terminal_is_still_json(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    print_json({"a": "é漢"})
    assert json.loads(raw.getvalue()) == {"a": "é漢"}


@pytest.mark.parametrize("mark", ["\u202e", "\u2066", "\u200f", "\u061c", "\u2028", "\u2029", "\x85"])
def test_no_text_of_a_host_turns_the_writing_or_ends_a_line(mark: str) -> None:
    shown = clean(f"aix{mark}01")
    assert shown == f"aix\\x{ord(mark):02x}01" if mark == "\x85" else f"aix\\u{ord(mark):04x}01"
    assert len(shown.splitlines()) == 1
