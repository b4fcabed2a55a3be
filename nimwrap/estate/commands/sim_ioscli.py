"""The VIOS's ioscli: backupios -file F [-mksysb] and viosbr -backup -file F."""

from __future__ import annotations

import os

from nimwrap.estate.commands import sim_mksysb
from nimwrap.estate.machine import Machine


def changes(_command: str, args: list[str]) -> bool:
    return args[:1] in (["backupios"], ["viosbr"]) and "-view" not in args


def main(me: Machine, args: list[str]) -> int:
    """Other sub-commands answer with ioslevel's text or nothing."""
    if args[:1] == ["ioslevel"]:
        me.out("3.1.4.10\n")
        return 0
    file = args[args.index("-file") + 1] if "-file" in args[:-1] else ""
    if args[:1] == ["backupios"] and file:
        return sim_mksysb.main(me, ["-ei", file])
    if args[:1] == ["viosbr"] and "-backup" in args and file:
        target = file if file.startswith("/") else f"/home/padmin/cfgbackups/{file}"
        target = target if target.endswith(".tar.gz") else f"{target}.tar.gz"
        os.makedirs(os.path.dirname(me.path(target)), exist_ok=True)
        with open(me.path(target), "wb") as out:
            out.write(b"viosbr " + me.name.encode() + b"\n")
        me.out(f"Backup of this node ({me.name}.{os.path.basename(target)}) successful\n")
        return 0
    me.err("Command not supported by this simulation.\n")
    return 1
