"""``ls -l``, ``cksum`` and the counted ``restore -T``, in the layouts of the captures."""

from __future__ import annotations

import pytest

from nimwrap.aix import cksum, ls, restore
from nimwrap.aix.text import Unrecognised


def test_sizes_beyond_32_bits_and_both_forms_of_date() -> None:
    found = ls.parse(
        "total 8123456\n"
        "-rw-r--r--    1 root     system        11860 Jul 13 2017  aix07_image.data\n"
        "-rw-r--r--    1 root     system   15526860811 May 11 16:47 aix07_mksysb 1\n"
        "drwxr-xr-x    2 root     system          256 May 11 16:47 aix08\n"
    )
    assert [(one.name, one.size_bytes, one.regular) for one in found] == [
        ("aix07_image.data", 11860, True),
        ("aix07_mksysb 1", 15526860811, True),
        ("aix08", 256, False),
    ]


def test_an_empty_directory_and_something_else() -> None:
    assert ls.parse("total 0\n") == []
    with pytest.raises(Unrecognised):
        ls.parse("ls: 0653-341 The file /export/nim/mksysb/aix07 does not exist.")


def test_a_complaint_beside_entries_is_passed_over() -> None:
    text = "ls: 0653-341 The file /x does not exist.\n-rw-------    1 root     system     77 Aug 16 00:49 /y\n"
    assert [one.name for one in ls.parse(text)] == ["/y"]


def test_cksum() -> None:
    assert cksum.parse("1999777825 1861746688 ./my-mksysb\n").text == "1999777825 1861746688"
    with pytest.raises(Unrecognised):
        cksum.parse("cksum: cannot open ./x\n")


def test_a_full_read() -> None:
    read = restore.parse("New volume on /x:\nnw_rc=0\nnw_files=1204\n")
    assert (read.returncode, read.files, read.says, read.available) == (0, 1204, "New volume on /x:", True)
    assert not restore.parse("ksh: restore: not found\nnw_rc=127\nnw_files=0\n").available
    with pytest.raises(Unrecognised):
        restore.parse("nw_rc=0\n")
