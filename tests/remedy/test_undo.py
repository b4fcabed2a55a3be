"""The undo script alone, run by a shell against the estate's exportfs: it takes away what was added, nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nimwrap.estate import Estate, build
from nimwrap.remedies.export_options import admitting_options, widened_options
from nimwrap.remedies.undo import UndoStatus, undo_script

DIRECTORY = "/export/nim/mksysb/powerha1"
OURS = ("10.10.10.101", "10.10.10.102")


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    made = build(tmp_path / "estate")
    on_master(made, f"mkdir -p {DIRECTORY}")
    return made


def on_master(estate: Estate, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([estate.shell("nim"), "-c", script], capture_output=True, text=True, check=False)


def export(estate: Estate, options: str) -> None:
    assert on_master(estate, f"/usr/sbin/exportfs -i -o {options} {DIRECTORY}").returncode == 0


def undo(estate: Estate, before: str | None, added: tuple[str, ...] = OURS) -> int:
    return on_master(estate, undo_script(DIRECTORY, added, before)).returncode


def listing(estate: Estate) -> str:
    return on_master(estate, "/usr/sbin/exportfs").stdout.strip()


def test_an_export_of_our_own_is_gone_afterwards(estate: Estate) -> None:
    export(estate, admitting_options(OURS))
    assert undo(estate, None) == UndoStatus.REVERTED
    assert listing(estate) == ""


def test_a_widened_export_is_what_it_was(estate: Estate) -> None:
    before = "rw,access=aix01:aix02,root=aix01"
    after, added = widened_options(before, OURS)
    export(estate, before)
    was = estate.exports_text()
    export(estate, after)
    assert added == OURS
    assert undo(estate, before, added) == UndoStatus.REVERTED
    assert estate.exports_text() == was


def test_what_others_added_meanwhile_stays(estate: Estate) -> None:
    export(estate, admitting_options((*OURS, "aix01")))
    assert undo(estate, None) == UndoStatus.REVERTED
    assert listing(estate).split()[1] == "-rw,access=aix01,root=aix01"


def test_an_entry_that_vanished_comes_back_as_it_was(estate: Estate) -> None:
    assert undo(estate, "rw,access=aix01,root=aix01") == UndoStatus.REVERTED
    assert listing(estate).split()[1] == "-rw,access=aix01,root=aix01"


def test_an_entry_that_vanished_and_was_ours_alone_stays_gone(estate: Estate) -> None:
    assert undo(estate, None) == UndoStatus.REVERTED
    assert listing(estate) == ""


def test_an_emptied_access_list_never_opens_the_directory_to_everybody(estate: Estate) -> None:
    export(estate, f"rw,access={':'.join(OURS)},root=aix01")
    assert undo(estate, None) == UndoStatus.REVERTED
    assert listing(estate) == ""


def test_an_entry_without_access_keeps_its_openness_and_loses_only_our_root(estate: Estate) -> None:
    after, added = widened_options("rw", OURS)
    assert after == f"rw,root={':'.join(OURS)}"
    export(estate, after)
    assert undo(estate, "rw", added) == UndoStatus.REVERTED
    assert listing(estate).split()[1] == "-rw"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rw=aix01,access=powerha1:aix01,root=powerha1", "rw=aix01{},access=powerha1:aix01{},root=powerha1{}"),
        ("rw=aix01:aix02,root=aix01", "rw=aix01:aix02{},root=aix01{}"),
        ("rw,root=powerha1:,access=powerha1:", "rw,root=powerha1{}:,access=powerha1{}:"),
    ],
)
def test_every_list_that_decides_is_widened_and_narrowed_again(estate: Estate, before: str, after: str) -> None:
    """A host in access= alone may not write where rw= names others."""
    widened, added = widened_options(before, OURS)
    assert widened == after.replace("{}", ":" + ":".join(OURS))
    export(estate, before)
    was = estate.exports_text()
    export(estate, widened)
    assert undo(estate, before, added) == UndoStatus.REVERTED
    assert estate.exports_text() == was


def test_a_list_for_reading_is_not_ours_to_narrow(estate: Estate) -> None:
    export(estate, f"rw,access=aix01:{OURS[0]},ro={OURS[0]},root=aix01")
    assert undo(estate, "rw,access=aix01,root=aix01") == UndoStatus.REVERTED
    assert listing(estate).split()[1] == f"-rw,access=aix01,ro={OURS[0]},root=aix01"


def test_undoing_twice_changes_nothing_more(estate: Estate) -> None:
    export(estate, admitting_options((*OURS, "aix01")))
    assert [undo(estate, None), undo(estate, None)] == [UndoStatus.REVERTED] * 2
    assert listing(estate).split()[1] == "-rw,access=aix01,root=aix01"


def test_an_entry_that_cannot_be_understood_is_left_and_called_foreign(estate: Estate) -> None:
    xtab = estate.files("nim") / "etc" / "xtab"
    xtab.write_text(f"{DIRECTORY} something else entirely\n")
    assert undo(estate, None) == UndoStatus.FOREIGN
    assert "something else" in xtab.read_text()


def test_a_host_that_one_list_held_before_stays_in_that_list(estate: Estate) -> None:
    before = "rw,access=10.10.10.101:10.10.10.102,root=10.10.10.101"
    after, added = widened_options(before, OURS)
    export(estate, after)
    assert added == ("10.10.10.102",)
    on_master(estate, f"/usr/sbin/exportfs -i -o {after.replace('root=', 'root=aix01:')} {DIRECTORY}")
    assert undo(estate, before, added) == UndoStatus.REVERTED
    assert listing(estate).split()[1] == "-rw,access=10.10.10.101:10.10.10.102,root=aix01:10.10.10.101"


def listed_as(tmp_path: Path, line: str, before: str | None = None, applied: str = "") -> tuple[int, str]:
    """The undo beside an exportfs that lists ``line`` until it is changed; its status, and what exportfs was told."""
    listed, told, room = tmp_path / "listed", tmp_path / "told", tmp_path / "room"
    room.mkdir()
    listed.write_text(line)
    fake = tmp_path / "exportfs"
    fake.write_text(
        f'#!/bin/sh\n[ $# -gt 0 ] || exec cat {listed}\necho "$@" >> {told}\n'
        f'case $1 in -u) : > {listed};; *) echo "$4 $3" > {listed};; esac\n'
    )
    fake.chmod(0o755)
    (room / "undo").write_text(undo_script(DIRECTORY, OURS, before).replace("/usr/sbin/exportfs", str(fake)))
    if applied:
        (room / "applied").write_text(f"{applied}\n")
    ended = subprocess.run(["/bin/sh", "./undo"], cwd=room, check=False)
    return ended.returncode, told.read_text() if told.exists() else ""


def test_a_listing_without_the_dash_is_understood(tmp_path: Path) -> None:
    line = f"{DIRECTORY}\t{admitting_options((*OURS, 'aix01'))}\n"
    assert listed_as(tmp_path, line) == (UndoStatus.REVERTED, f"-i -o rw,access=aix01,root=aix01 {DIRECTORY}\n")


def test_an_export_of_our_own_goes_even_where_exportfs_writes_hosts_another_way(tmp_path: Path) -> None:
    options = "-rw,access=powerha1.example.com:powerha1-vip.example.com"
    assert listed_as(tmp_path, f"{DIRECTORY} {options}\n", applied=options) == (
        UndoStatus.REVERTED,
        f"-u {DIRECTORY}\n",
    )


def test_an_entry_without_options_names_nobody_and_stays(tmp_path: Path) -> None:
    assert listed_as(tmp_path, f"{DIRECTORY}\n", before="rw") == (UndoStatus.REVERTED, "")


HOSTS = st.lists(
    st.sampled_from(["aix01", "aix02", "@night", "10.10.10.7", "::1", "fe80::a:b", "powerha2"]), max_size=4
)
LISTS = st.tuples(st.sampled_from(["access", "root", "rw"]), HOSTS.filter(bool), st.sampled_from(["", ":"])).map(
    lambda made: f"{made[0]}={':'.join(made[1])}{made[2]}"
)
PLAIN = st.sampled_from(["rw", "anon=0", "vers=3:4", "nosuid", "sec=krb5", "sec=sys"])
ENTRIES = st.lists(st.one_of(LISTS, PLAIN), min_size=1, max_size=7).map(",".join)


def fake_exports(options: str) -> str:
    """exportfs as the scripts call it, over one entry in a file: no estate in between, every byte as it was given."""
    return f"""\
table=$(mktemp); echo '{DIRECTORY} -{options}' > $table
exportfs() {{
  case $1 in
    "") cat $table ;;
    -u) : > $table ;;
    *) echo "$4 -${{3#-}}" > $table ;;
  esac
}}
"""


@settings(max_examples=60, deadline=None)
@given(before=ENTRIES)
@example(before="rw,access=::1:aix01,root=aix01")
@example(before="sec=sys,rw,access=aix01,sec=krb5,access=aix01:10.10.10.101,root=aix02:")
def test_widened_and_undone_is_word_for_word_what_it_was(before: str) -> None:
    """``access=::1:aix01`` came back as ``access=1:aix01``."""
    after, added = widened_options(before, OURS)
    undone = undo_script(DIRECTORY, added, before).replace("/usr/sbin/exportfs", "exportfs")
    script = f"{fake_exports(after)}(\n{undone})\ncat $table; rm -f $table\n"
    ran = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines()[-1] == f"{DIRECTORY} -{before}", ran


@settings(max_examples=30, deadline=None)
@given(before=ENTRIES, foreign=st.sampled_from(["aix09", "10.10.10.9", "fe80::c"]))
def test_what_others_added_in_between_is_all_that_stays(before: str, foreign: str) -> None:
    after, added = widened_options(before, OURS)
    meant, _ = widened_options(before, [foreign])
    edited, _ = widened_options(after, [foreign])
    undone = undo_script(DIRECTORY, added, before).replace("/usr/sbin/exportfs", "exportfs")
    script = f"{fake_exports(edited)}(\n{undone})\ncat $table; rm -f $table\n"
    ran = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=False)
    assert ran.stdout.splitlines()[-1] == f"{DIRECTORY} -{meant}", ran


def test_a_directory_that_is_listed_twice_is_left_alone(estate: Estate) -> None:
    twice = f"{DIRECTORY} -rw,access=aix01\n{DIRECTORY} -ro,access={OURS[0]}\n"
    (estate.files("nim") / "etc/xtab").write_text(twice)
    assert undo(estate, None) == UndoStatus.FOREIGN
    assert (estate.files("nim") / "etc/xtab").read_text() == twice
