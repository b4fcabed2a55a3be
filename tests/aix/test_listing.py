"""What a long listing says about one client, picked out on the master before it is sent and read."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from nimwrap.aix import lsnim

LISTINGS = sorted((Path(__file__).parent / "data" / "lsnim.parse_long").glob("*.txt"))
MANY = "".join(
    f"aix{n:02}:\n   class = machines\n   type = standalone\n   if1 = net aix{n:02} 0\n"
    f"aix{n:02}_old:\n   class = resources\n   type = mksysb\n   location = /export/aix{n:02}/old\n"
    for n in range(40)
)


def about(text: str, names: list[str], mention: list[str], status: int = 0) -> str:
    """What is left of the listing ``text``, by the shell text itself; it must end as the listing ended."""
    listing = f'printf %s "$TEXT"; (exit {status})'
    argv = ["sh", "-c", lsnim.about(listing, names, mention)]
    done = subprocess.run(argv, env={**os.environ, "TEXT": text}, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (status, b"")
    return done.stdout.decode("utf-8", "replace")


@pytest.mark.parametrize("path", LISTINGS, ids=lambda path: path.stem)
def test_an_object_picked_out_reads_as_in_the_whole(path: Path) -> None:
    text = path.read_bytes().decode("utf-8", "replace")
    for noise in ("", "0042-001 nim: a message before it\n"):
        try:
            whole = lsnim.parse_long(noise + text)
        except ValueError:
            continue
        for name, found in whole.items():
            assert lsnim.parse_long(about(noise + text, [name], []))[name] == found


def test_only_what_concerns_the_client_is_left() -> None:
    found = lsnim.parse_long(about(MANY, ["aix07"], ["/export/aix07/"]))
    assert set(found) == {"aix07", "aix07_old"}
    assert set(lsnim.parse_long(about(MANY, ["aix39", "aix00"], []))) == {"aix00", "aix39"}


def test_a_listing_cut_short_is_still_told_from_its_status() -> None:
    cut = MANY + "aix40:\n   Cstate = ready for"
    assert lsnim.parse_long(about(cut, ["aix40"], []))["aix40"].cstate == "ready for"


def test_where_the_client_is_not_listed_all_is_left() -> None:
    assert about(MANY, ["aix07", "nobody"], ["/export/aix07/"]) == MANY
    assert about("lsnim: not found\n", ["aix07"], [], status=127) == "lsnim: not found\n"
    assert about("", ["aix07"], []) == ""


@pytest.mark.parametrize("name", ["a'b", 'a"b', "a\\nb", "$(touch INJECTED)", "-f", "x=1", "two words"])
def test_a_name_is_only_a_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert about(MANY, [name], [shlex.quote(name)]) == MANY
    assert not list(tmp_path.iterdir())
    if " " not in name:
        mine = f"{name}:\n   class = machines\n"
        assert about(MANY + mine, [name], []) == mine
