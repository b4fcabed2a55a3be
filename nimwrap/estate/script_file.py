"""Script files that were put together on a host: their paths become those of its tree when its shell takes them up.

A script that crosses a border as text is rewritten there; one that arrives encoded, in pieces, can only be afterwards.
"""

from __future__ import annotations

import os

from nimwrap.estate.machine import Machine


def settle(shell: str, script: str) -> None:
    """Rewrite the file ``script`` for the host that ``shell`` (TREE/usr/bin/ksh) belongs to."""
    me = Machine(os.path.realpath(os.path.dirname(shell)).removesuffix("/usr/bin"))
    try:
        with open(script, "r+b") as file:
            text = me.paths.inward(me.paths.outward(os.fsdecode(file.read())))
            file.seek(0)
            file.truncate()
            file.write(os.fsencode(text))
    except OSError:
        return
