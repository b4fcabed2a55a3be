"""nimwrap on a terminal."""

import os
import pty
import subprocess
from pathlib import Path

from tests.running import command, environment


def on_terminal(*arguments: str, home: Path, config: Path | None = None, **env: str) -> str:
    """What nimwrap writes to a terminal."""
    master, slave = pty.openpty()
    argv = command(*arguments, config=config)
    child = subprocess.Popen(argv, stdout=slave, stderr=slave, stdin=slave, env=environment(home, **env))
    os.close(slave)
    seen = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    child.wait(timeout=30)
    os.close(master)
    return seen.decode()
