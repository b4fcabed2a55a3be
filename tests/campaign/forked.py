"""nimwrap as children of this process, which has loaded it: without 0.3 s of imports for each call of a campaign."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from nimwrap.__main__ import main
from tests.preloaded import ROOT, load

_BROKEN = 70
_STREAMS = 3


def call(
    arguments: Sequence[str], env: Mapping[str, str], limit_s: float, first: Callable[[], None] = lambda: None
) -> subprocess.CompletedProcess[bytes]:
    """Run nimwrap with these words to its end, ``first`` before it in its process; TimeoutExpired after killing it."""
    load()
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        pid = os.fork()
        if pid == 0:
            _become(arguments, env, out, err, first)
        code = _awaited(pid, limit_s, arguments)
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(list(arguments), code, out.read(), err.read())


def _become(
    arguments: Sequence[str], env: Mapping[str, str], out: IO[bytes], err: IO[bytes], first: Callable[[], None]
) -> None:
    """Be nimwrap, and leave as it does."""
    code = _BROKEN
    try:
        for number, stream in enumerate((open(os.devnull, "rb"), out, err)):  # noqa: PTH123, SIM115
            os.dup2(stream.fileno(), number)
        os.closerange(_STREAMS, 256)
        sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
        os.environ.clear()
        os.environ.update(env)
        sys.argv = [str(ROOT / "nimwrap/__main__.py"), *arguments]
        first()
        code = main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else 1
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _awaited(pid: int, limit_s: float, arguments: Sequence[str]) -> int:
    ended = os.pidfd_open(pid)
    try:
        in_time = bool(select.select([ended], [], [], limit_s)[0])
        if not in_time:
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    finally:
        os.close(ended)
    if not in_time:
        raise subprocess.TimeoutExpired(list(arguments), limit_s)
    return os.waitstatus_to_exitcode(status)
