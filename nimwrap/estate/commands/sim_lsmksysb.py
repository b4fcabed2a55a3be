"""/usr/bin/lsmksysb -lf FILE, -L -f FILE (also lssavevg, listvgbackup): reads an image's header, as the real one does.

A cut image still has its header: only a full read (``restore -T``) finds that out.
"""

from __future__ import annotations

import os

from nimwrap.estate.image import DamagedError, Header, read_header
from nimwrap.estate.machine import Machine
from nimwrap.estate.volumes import lv_table

_MB = 1048576


def main(me: Machine, args: list[str]) -> int:
    """``-l`` the description, ``-L`` the filesets, else the files; ``-f FILE`` in any combination of letters."""
    file, letters = _parse(me, args)
    path = me.path(file)
    if not file or not os.path.isfile(path) or os.path.getsize(path) == 0:
        me.err(f"0512-054 {me.command}: File {file} does not exist or is empty.\n")
        return 1
    try:
        with open(path, "rb") as image:
            header = read_header(image)
    except DamagedError as damage:
        me.err(f"{me.command}: {file} is not a readable backup image: {damage}.\n")
        return 1
    me.out(_description(header) if "l" in letters else _filesets(header) if "L" in letters else _files(header))
    return 0


def _parse(me: Machine, args: list[str]) -> tuple[str, str]:
    file, letters, rest = "", "", list(args)
    while rest:
        word = rest.pop(0)
        if word.startswith("-"):
            letters += word[1:]
            if "f" in word:
                after = word[word.index("f") + 1 :]
                file = after or (rest.pop(0) if rest else "")
        elif not file:
            file = word
    if file and not file.startswith("/"):
        file = me.paths.outward(os.path.join(os.getcwd(), file))
    return file, letters


def _description(header: Header) -> str:
    level = header.oslevel
    used = max(1, header.size // _MB)
    dotted = f"{level[0]}.{level[1]}.{int(level[5:7])}.0"
    rows = {
        "VOLUME GROUP": header.volume_group,
        "BACKUP DATE/TIME": header.date,
        "UNAME INFO": f"AIX {header.node} {level[1]} {level[0]} {header.machine_id}",
        "BACKUP OSLEVEL": dotted,
        "MAINTENANCE LEVEL": level[:7],
        "SERVICEPACK LEVEL": level,
        "BACKUP SIZE (MB)": str(used * 3 + 1),
        "SHRINK SIZE (MB)": str(used),
        "VG DATA ONLY": "yes" if header.kind == "savevg -r" else "no",
    }
    text = "".join(f"{key + ':':<24}{value}\n" for key, value in rows.items())
    return f"{text}\n{lv_table(header.volume_group)}"


def _filesets(header: Header) -> str:
    """As ``lslpp -L`` has them; the technology level of the image is that of its base filesets."""
    level = f"{header.oslevel[0]}.{header.oslevel[1]}.{int(header.oslevel[5:7])}.0"
    rows = {"bos.rte": level, "bos.net.tcp.client_core": level, "perl.rte": "5.28.1.0"}
    lines = "".join(f"  {name:<27} {shown:>10}    C     F    \n" for name, shown in rows.items())
    return f"  Fileset                      Level  State  Type  Description (Uninstaller)\n  {'-' * 76}\n{lines}"


def _files(header: Header) -> str:
    return "".join(f"{name}\n" for name in file_names(header))


def file_names(header: Header) -> list[str]:
    """The names in the archive: the well-known first ones, then as many as the header counts."""
    known = ["./bosinst.data", "./image.data", "./tmp/vgdata/rootvg/image.info", "./etc/hosts"]
    return [*known, *(f"./usr/lib/objrepos/file{number:06}" for number in range(header.files - len(known)))]
