"""Where a network lab takes over: real machines' trees, a real kernel and a real NFS server instead of pretending.

In a lab each host runs in its own root (Spec.real_root: no path is rewritten) with the whole estate bound at
machine.BASE, and the setting ``hooks`` names programs, each an argv list to which the words in parentheses are
appended:

* ``remote`` (ADDRESS SCRIPT): run the script as root over there; its output and exit status are the script's, 255 with
  no output means that the connection failed.
* ``exports`` (MASTER): the export table has changed; make the NFS server follow.
* ``mount`` (SERVER DIRECTORY OVER OPTIONS): exit 0 when the server lets us in, ACCESS when it does not, NO_ENTRY for a
  missing directory, TIMED_OUT without an answer; ``umount`` (OVER SERVER DIRECTORY).
* ``write`` (SERVER DIRECTORY FILE): write standard input to the file on the server, with the same exits; SPACE for a
  full file system, STALE for an export that is gone.
* ``addresses`` (): lines ``ADAPTER ADDRESS NETMASK`` in the kernel's own order.
"""

from __future__ import annotations

import os

from nimwrap.estate.machine import Machine
from nimwrap.estate.process import pump, start

ACCESS, NO_ENTRY, SPACE, STALE, TIMED_OUT = 13, 2, 28, 70, 110


def hook(me: Machine, name: str) -> list[str]:
    """The program's argv, empty where this estate has none."""
    return list(me.setting("hooks", {}).get(name, []))


def run(me: Machine, name: str, *words: str) -> tuple[int, str]:
    """Exit status and merged output of the hook; (0, "") where there is none."""
    argv = hook(me, name)
    if not argv:
        return 0, ""
    child = start([*argv, *words], os.environ, cwd="/", merged=True)
    said: list[bytes] = []
    pump({child.stdout: said.append})
    return child.wait(), b"".join(said).decode("utf-8", "replace")


def kernel_source(target: str) -> str | None:
    """The address that this machine's own kernel would send from."""
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 2049))
        except OSError:
            return None
        return str(probe.getsockname()[0])
