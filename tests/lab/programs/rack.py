"""Holds the lab's network and mounts: when its input ends (the tests are gone, however), everything in it ends.

It is process 1 of the lab's process namespace, so the kernel itself kills whatever runs in any host, and with the last
process go the mounts, the bridge and the namespaces. It prints its number as its starter sees it.
"""

import contextlib
import os
import signal
import sys

signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # orphans of the hosts end here and leave nothing
print(os.readlink("/proc/self"), flush=True)
with contextlib.suppress(KeyboardInterrupt):
    sys.stdin.buffer.read()
