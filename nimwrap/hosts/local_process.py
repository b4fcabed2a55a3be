"""A local process with a deadline and bounded output; ``local`` and ``openssh`` both stand on it."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO

from nimwrap.hosts.bounded_output import Bounded, Passed
from nimwrap.hosts.protocol import CommandResult

Output = Bounded | Passed
_BLOCK = 65536
_LOOK_S = 0.3
_QUIET_S = 0.3
_QUIET_FAR_S = 2.0  # over a network the last words may overtake the output
_LINGER_S = 5.0


def run_process(
    argv: Sequence[str],
    *,
    timeout: float,
    stdin: bytes = b"",
    environ: Mapping[str, str] | None = None,
    last: bytes = b"",
    out: Output | None = None,
) -> CommandResult:
    """Run ``argv`` in its own session from ``/`` and collect what it says; ``stdin`` is all it can read.

    A process ended by signal N has returncode 128+N. When ``timeout`` seconds pass, the session is told with SIGHUP
    as a lost terminal would and returncode is None: what was detached with nohup lives on, all else ends. The same
    is done when only silence follows ``last``, the words that a process says when its work is done.
    Raises OSError when ``argv`` cannot be started.
    """
    started = time.monotonic()
    with tempfile.TemporaryFile() if stdin else open(os.devnull, "rb") as source:  # noqa: PTH123
        if stdin:
            source.write(stdin)
            source.seek(0)
        process = subprocess.Popen(
            argv,
            stdin=source,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd="/",
            env=environ,
            start_new_session=True,
            preexec_fn=_hangup_ends_it if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else None,  # noqa: PLW1509
        )
    out, err = out or Bounded(), Bounded()
    assert process.stdout and process.stderr  # noqa: S101  (both are PIPE)
    try:
        ended = _collect(process, {process.stdout: out, process.stderr: err}, started + timeout, last)
    finally:
        process.stdout.close()
        process.stderr.close()
    if not ended:
        _hang_up(process)
    code = process.returncode if ended else None
    if code is not None and code < 0:
        code = 128 - code
    return CommandResult(code, out.text(), err.text(), time.monotonic() - started)


def _collect(process: subprocess.Popen[bytes], sinks: Mapping[IO[bytes], Output], deadline: float, last: bytes) -> bool:
    """Read until the process has ended and its output too; False if it has not.

    A child that was left behind may hold the pipes open: after the process ended, silence is taken for the end.
    """
    gone_at: float | None = None
    heard_at = time.monotonic()
    quiet = _QUIET_FAR_S if last else _QUIET_S
    with selectors.DefaultSelector() as selector:
        for stream, sink in sinks.items():
            selector.register(stream, selectors.EVENT_READ, sink)
        while selector.get_map():
            ready = selector.select(min(_LOOK_S, max(0.0, deadline - time.monotonic())))
            for key, _ in ready:
                data = os.read(key.fd, _BLOCK)
                if data:
                    heard_at = time.monotonic()
                    key.data.add(data)
                    if last and last in data:
                        gone_at = time.monotonic()
                else:
                    selector.unregister(key.fileobj)
            now = time.monotonic()
            if gone_at is not None and (now - heard_at > quiet or now - gone_at > _LINGER_S):
                return process.poll() is not None
            if gone_at is None and process.poll() is not None:
                gone_at = now
            if gone_at is None and now >= deadline:
                return False
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(max(0.05, deadline - time.monotonic()))
    return process.returncode is not None


def _hangup_ends_it() -> None:
    """Under nohup a child would inherit that SIGHUP is ignored, and a passed timeout could not end it."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def _hang_up(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, signal.SIGHUP)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(1.0)
