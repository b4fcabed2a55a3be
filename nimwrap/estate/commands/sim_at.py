"""/usr/bin/at now: the commands on standard input as a job of cron's, which is no child of whoever asked for it."""

from __future__ import annotations

import sys

from nimwrap.estate.machine import Machine
from nimwrap.estate.process import pump, start_shell, write_all


def main(me: Machine, _args: list[str]) -> int:
    """Only ``now`` is known; with the switch ``no_at`` root may not use it."""
    if me.fault("no_at"):
        me.err("at: you are not authorized to use at.  Sorry.\n")
        return 1
    script = sys.stdin.read()
    child, _ = start_shell(me, f"exec </dev/null >/dev/null 2>&1\n{script}", with_input=False)
    pump({child.stdout: lambda data: write_all(2, data)})
    me.err("Job root.1764300000.a will be run at once.\n")
    return 0
