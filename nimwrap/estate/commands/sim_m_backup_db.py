"""NIM's m_backup_db FILE: the NIM database into one file (reference aix-nim section 9)."""

from __future__ import annotations

from nimwrap.estate import nimdb
from nimwrap.estate.machine import Machine
from nimwrap.estate.stdlib import dumps


def changes(_command: str, _args: list[str]) -> bool:
    return True


def main(me: Machine, args: list[str]) -> int:
    if not args:
        me.err("usage: m_backup_db <file>\n")
        return 1
    text = dumps(nimdb.objects(me))
    try:
        with open(me.path(args[0]), "w", encoding="utf-8") as out:
            out.write(text)
    except OSError:
        me.err(f'0042-154 m_backup_db: the file or directory "{args[0]}" does not exist\n')
        return 154
    for name in ("/etc/objrepos/nim_attr", "/etc/objrepos/nim_object", "/etc/NIM.primary.research", "/etc/niminfo"):
        me.out(f"a {name} 4 blocks\n")
    return 0
