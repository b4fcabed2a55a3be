"""Where the crash campaign may kill us: every journal write and every remote command passes through here.

``NIMWRAP_FAILPOINT_TRACE=FILE`` appends each point's label, ``NIMWRAP_FAILPOINT_KILL=N`` ends the process with
SIGKILL at the Nth point (from 1). Without them a point costs one attribute look-up.
"""

from __future__ import annotations

import itertools
import os
import signal
from pathlib import Path

_TRACE = os.environ.get("NIMWRAP_FAILPOINT_TRACE")
_KILL = int(os.environ.get("NIMWRAP_FAILPOINT_KILL", "0"))
_counter = itertools.count(1)
_armed = bool(_TRACE or _KILL)


def failpoint(label: str) -> None:
    """Pass one point called ``label``, or die in it."""
    if not _armed:
        return
    number = next(_counter)
    if _TRACE:
        with Path(_TRACE).open("a") as trace:
            trace.write(f"{number} {label}\n")
    if number == _KILL:
        os.kill(os.getpid(), signal.SIGKILL)
