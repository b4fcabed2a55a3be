"""What a long listing says about one client, picked out before it is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from nimwrap.aix import lsnim

LISTINGS = sorted((Path(__file__).parent / "data" / "lsnim.parse_long").glob("*.txt"))
MANY = "".join(
    f"aix{n:02}:\n   class = machines\n   type = standalone\n   if1 = net aix{n:02} 0\n"
    f"aix{n:02}_old:\n   class = resources\n   type = mksysb\n   location = /export/aix{n:02}/old\n"
    for n in range(40)
)


@pytest.mark.parametrize("path", LISTINGS, ids=lambda path: path.stem)
def test_an_object_picked_out_reads_as_in_the_whole(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    for noise in ("", "0042-001 nim: a message before it\n"):
        try:
            whole = lsnim.parse_long(noise + text)
        except ValueError:
            continue
        for name, found in whole.items():
            assert lsnim.parse_long(lsnim.about(noise + text, [name], []))[name] == found


def test_only_what_concerns_the_client_is_left() -> None:
    found = lsnim.parse_long(lsnim.about(MANY, ["aix07"], ["/export/aix07/"]))
    assert set(found) == {"aix07", "aix07_old"}
    assert set(lsnim.parse_long(lsnim.about(MANY, ["aix39", "aix00"], []))) == {"aix00", "aix39"}


def test_where_the_client_is_not_listed_all_is_left() -> None:
    assert lsnim.about(MANY, ["aix07", "nobody"], ["/export/aix07/"]) == MANY
    assert lsnim.about("lsnim: not found\n", ["aix07"], []) == "lsnim: not found\n"
