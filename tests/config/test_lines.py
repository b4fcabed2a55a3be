"""The scanner agrees with tomllib about which keys there are, and with the text about where they stand."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimwrap.config.lines import key_lines
from nimwrap.config.spelling import toml

TEXT = '''\
top = 1
"quoted key" = "a # no comment"
a.b."c.d" = """
several = "lines"
[no.table]
"""
[t.u]     # a comment with [brackets]
plain = 'x = y'
array = [ 1, # one
  [2,
   3], { k = "v", l.m = 2 }
]
[[many]]
n = 1
[[many]]
n = 2
last = """four quotes"""" # end
after = 0x1f
'''


def test_where_each_key_stands() -> None:
    lines = key_lines(TEXT)
    expected = {
        ("top",): 1,
        ("quoted key",): 2,
        ("a", "b", "c.d"): 3,
        ("t", "u"): 7,
        ("t", "u", "plain"): 8,
        ("t", "u", "array", 0): 9,
        ("t", "u", "array", 1, 1): 11,
        ("t", "u", "array", 2, "l", "m"): 11,
        ("many", 0, "n"): 14,
        ("many", 1): 15,
        ("many", 1, "last"): 17,
        ("many", 1, "after"): 18,
    }
    assert {path: lines[path] for path in expected} == expected


def paths(value: Any, at: tuple[str | int, ...] = ()) -> set[tuple[str | int, ...]]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {at} | {path for key, item in inside for path in paths(item, (*at, key))}


def test_all_keys_are_found() -> None:
    assert set(key_lines(TEXT)) == paths(tomllib.loads(TEXT)) - {()}


words = st.text(min_size=0, max_size=6)
values = st.recursive(
    st.booleans() | st.integers(-99, 99) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.from_regex(r"[a-z-]{1,4}", fullmatch=True), inner),
    max_leaves=8,
)


@given(st.dictionaries(words, values, max_size=4))
def test_whatever_toml_holds_is_found(document: dict[str, Any]) -> None:
    text = "".join(f"{toml(key)} = {toml(value)} # c\n\n" for key, value in document.items())
    assert tomllib.loads(text) == document
    lines = key_lines(text)
    assert set(lines) == paths(document) - {()}
    assert [lines[(key,)] for key in document] == list(range(1, 2 * len(document), 2))


@pytest.mark.parametrize("text", ["", "\n# only a comment", "a=1", "a=1\n[b]"])
def test_edges(text: str) -> None:
    assert set(key_lines(text)) == paths(tomllib.loads(text)) - {()}
