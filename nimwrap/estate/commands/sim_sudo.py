"""sudo, for ``become``: runs the command as it is, or refuses under the switch ``sudo_refused``."""

from __future__ import annotations

import os

from nimwrap.estate.machine import Machine
from nimwrap.estate.process import environment


def main(me: Machine, args: list[str]) -> int:
    rest = list(args)
    while rest and rest[0].startswith("-"):
        word = rest.pop(0)
        if word in ("-u", "-g", "-p", "-C") and rest:
            rest.pop(0)
        if word == "--":
            break
    if me.fault("sudo_refused"):
        me.err("sudo: a password is required\n")
        return 1
    if not rest:
        return 1
    env = environment(me)
    words = [me.paths.inward(word) for word in rest]
    for directory in ["", *(f"{one}/" for one in env["PATH"].split(":"))]:
        program = f"{directory}{words[0]}"
        if "/" in program and os.access(program, os.X_OK):
            me.become(program, words, env)
    me.err(f"sudo: {rest[0]}: command not found\n")
    return 1
