"""/usr/bin/df in AIX's layouts: ``-P`` has other columns than ``-k``, ``-g``, ``-m`` (aix-nim section 5.3)."""

from __future__ import annotations

import os

from nimwrap.estate import nfs
from nimwrap.estate.filesystems import FileSystem, filesystem, filesystems, mount_of, mounts, used_kb
from nimwrap.estate.machine import Machine

_TITLES = {"": "512-blocks", "k": "1024-blocks", "m": "MB blocks", "g": "GB blocks"}
_PER_KB = {"": 2.0, "k": 1.0, "m": 1 / 1024, "g": 1 / 1048576}


def main(me: Machine, args: list[str]) -> int:
    """All file systems, or those of the named paths; NFS rows come from the server."""
    letters = "".join(word[1:] for word in args if word.startswith("-"))
    words = [word for word in args if not word.startswith("-")]
    rows, status = [], 0
    for word in words:
        path = word if word.startswith("/") else me.paths.outward(os.path.join(os.getcwd(), word))
        if not os.path.exists(me.path(path)):
            me.err(f"df: Cannot find or open file system {word}.\n")
            status = 1
            continue
        rows.append(_nfs_row(me, path) or (filesystem(me, path), me))
    if not words:
        rows = [(one, me) for one in filesystems(me)]
        rows += [row for held in mounts(me) if (row := _nfs_row(me, held.over))]
    if rows:
        me.out(_text(me, rows, letters))
    return status


def _nfs_row(me: Machine, path: str) -> tuple[FileSystem, Machine] | None:
    held = mount_of(me, path)
    if held is None:
        return None
    server = me.peer(held.server)
    if me.fault("nfs_stall") or server.fault("nfs_stall"):
        me.hang(lambda: bool(me.fault("nfs_stall") or server.fault("nfs_stall")))
    one = filesystem(server, held.directory)
    if not any(held.directory.startswith(export.directory) for export in nfs.table(server)):
        return None
    used = used_kb(server, one)
    return one._replace(device=f"{held.node}:{held.directory}", mounted=held.over, base_kb=used), me


def _text(me: Machine, rows: list[tuple[FileSystem, Machine]], letters: str) -> str:
    unit = next((one for one in "gmk" if one in letters), "")
    portable = "P" in letters
    layout = me.fault("df_layout")
    if portable:
        text = f"Filesystem    {_TITLES[unit]:>11}      Used Available Capacity Mounted on\n"
    else:
        text = f"Filesystem    {_TITLES[unit]:>11}      Free %Used    Iused %Iused Mounted on\n"
    if not me.english():
        text = text.replace("Filesystem ", "Syst. fich. ").replace("Mounted on", "Monté sur").replace("Used", "Util.")
    for one, owner in rows:
        text += _row(one, owner, unit, portable=portable, layout=layout)
    return text


def _row(one: FileSystem, owner: Machine, unit: str, *, portable: bool, layout: object) -> str:
    device = f"/dev/{'verylonglogicalvolumename' * 2}" if layout == "wide" else one.device
    if one.vfs == "procfs" or layout == "dash":
        middle = f"{'-':>10}{'-':>10}{'-':>10}{'-':>9}" if portable else f"{'-':>10}{'-':>10}{'-':>5}{'-':>10}{'-':>6}"
        return f"{device:<13} {middle} {' ' if portable else ''}{one.mounted}\n"
    used = used_kb(owner, one) if ":" not in one.device else one.base_kb
    if layout == "full":
        used = one.size_kb
    used = min(used, one.size_kb)
    free, percent = one.size_kb - used, -(-100 * used // one.size_kb)
    size, amount, left = (_number(value, unit) for value in (one.size_kb, used, free))
    if portable:
        return f"{device:<13} {size:>11} {amount:>9} {left:>9} {percent:>7}% {one.mounted}\n"
    inodes = -(-100 * one.inodes // max(1, one.size_kb // 4))
    return f"{device:<13} {size:>11} {left:>9} {percent:>4}% {one.inodes:>8} {inodes:>5}% {one.mounted}\n"


def _number(kilobytes: int, unit: str) -> str:
    value = kilobytes * _PER_KB[unit]
    return f"{value:.2f}" if unit in ("g", "m") else f"{value:.0f}"
