"""Random and mutated output: a parser either knows it or raises Unrecognised, and never answers nothing.

``NIMWRAP_FUZZ=100000`` sets the number of inputs for all parsers together.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nimwrap.aix import etc_exports
from nimwrap.aix.classify import classify
from nimwrap.aix.message_catalogue import explain
from nimwrap.aix.messages import headline, messages
from nimwrap.aix.text import Unrecognised

DATA = Path(__file__).parent / "data"
PARSERS = [
    "cllsif.parse",
    "clmgr.parse",
    "clrginfo.parse",
    "df.parse",
    "etc_exports.parse_file",
    "etc_exports.parse_listing",
    "host.parse",
    "ifconfig.parse",
    "lsattr.parse",
    "lsmksysb.parse",
    "lsnim.parse_long",
    "lsnim.parse_table",
    "lssrc.parse",
    "lssrc.parse_subsystems",
    "lsvg.parse",
    "lsvg.parse_volumes",
    "netstat.parse",
    "netstat.parse_routes",
    "niminfo.parse",
    "oslevel.parse",
    "ps.parse",
    "showmount.parse",
    "source_perl.parse",
    "traceroute.parse",
]
MAY_BE_EMPTY = {"etc_exports.parse_file", "etc_exports.parse_listing", "showmount.parse", "ps.parse"}  # a heading alone
EACH = max(25, int(os.environ.get("NIMWRAP_FUZZ", "0")) // (2 * len(PARSERS)))

FRAGMENTS = [piece for path in sorted(DATA.glob("*/*.txt")) for piece in path.read_bytes().split(b"\n")[1:] if piece]
PIECES = [" ", "a", ":", "=", '"', "1 ", "en0: ", "\\", "- ", "1831-008 ", ".:", "a is b, ", 'A="', "exportfs:"]
EXPORT = r"/[a-z0-9/._-]{1,12}( +-(rw|ro)(,(access|root)=[a-z0-9.:@/]{1,20}){0,3})?"
random_output = st.binary(max_size=400)
fragments = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.binary(max_size=12)), max_size=12).map(b"\n".join)
quick = settings(max_examples=EACH, database=None)


@st.composite
def mutated(draw: st.DrawFn, name: str) -> bytes:
    """One of the parser's own data files, cut, doubled or sprinkled with other bytes."""
    whole = draw(st.sampled_from(sorted((DATA / name).glob("*.txt")))).read_bytes().split(b"\n", 1)[1]
    at, upto = sorted(draw(st.tuples(st.integers(0, len(whole)), st.integers(0, len(whole)))))
    middle = draw(st.one_of(st.binary(max_size=20), st.just(whole[at:upto] * 2), st.sampled_from(FRAGMENTS)))
    return whole[:at] + middle + whole[upto:]


def parser(name: str) -> Callable[[str], Any]:
    module, function = name.split(".")
    parse: Callable[[str], Any] = getattr(importlib.import_module(f"nimwrap.aix.{module}"), function)
    return parse


def answer_or_refusal(name: str, output: bytes) -> Any:
    """The parser's answer, checked to be one; None when it did not recognise the output."""
    try:
        found = parser(name)(output.decode("utf-8", "replace"))
    except Unrecognised as refusal:
        assert str(refusal)
        return None
    assert found or name in MAY_BE_EMPTY
    assert found is not None
    return found


@pytest.mark.parametrize("name", PARSERS)
def test_random_output(name: str) -> None:
    @quick
    @given(st.one_of(random_output, fragments))
    def run(output: bytes) -> None:
        answer_or_refusal(name, output)

    run()


@pytest.mark.parametrize("name", PARSERS)
def test_mutated_output(name: str) -> None:
    @quick
    @given(mutated(name))
    def run(output: bytes) -> None:
        answer_or_refusal(name, output)

    run()


@quick
@given(
    st.one_of(random_output, fragments, mutated("messages.messages"), mutated("classify.classify")),
    st.one_of(st.none(), st.integers(-20, 300)),
)
def test_any_text_has_a_failure_with_words(output: bytes, returncode: int | None) -> None:
    text = output.decode("utf-8", "replace")
    failure = classify(text, returncode)
    assert failure.message.strip()
    assert failure.fix
    assert failure.evidence
    assert bool(headline(text)) >= bool(text.strip())
    assert len(messages(text)) == len(set(messages(text)))
    assert len({told.code for told in explain(text)}) == len(explain(text))


@quick
@given(st.lists(st.from_regex(EXPORT, fullmatch=True), min_size=1, max_size=6))
def test_a_listing_is_kept_byte_for_byte(rows: list[str]) -> None:
    assert [export.text for export in etc_exports.parse_listing("\n".join(rows) + "\n")] == rows


@pytest.mark.parametrize("name", [*PARSERS, "messages.headline", "message_catalogue.explain"])
def test_a_long_line_costs_no_long_time(name: str) -> None:
    """Hung regexes would hold up a whole fleet: 40 kB of anything must pass in a blink."""
    lines = [piece * (40_000 // len(piece)) for piece in PIECES]
    for text in [*lines, *(f"{line}x\nx" for line in lines)]:
        begun = time.process_time()
        with contextlib.suppress(Unrecognised):
            parser(name)(text)
        assert time.process_time() - begun < 1.0, text[:20]


@pytest.mark.parametrize("name", PARSERS)
def test_a_number_without_end_is_no_crash(name: str) -> None:
    """Python refuses to read numbers of more than 4300 digits."""
    huge = b"9" * 5000
    for path in sorted((DATA / name).glob("*.txt")):
        whole = path.read_bytes().split(b"\n", 1)[1]
        for number in set(re.findall(rb"\d+", whole)):
            answer_or_refusal(name, whole.replace(number, huge, 1))
