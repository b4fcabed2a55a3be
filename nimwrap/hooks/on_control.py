"""A hook on this machine, in a directory of its own, so that whoever comes later finds its end instead of a second one.

A small shell starts it, which outlives nimwrap: it takes the directory by mkdir, keeps what is said, and writes the
status. The words of the command are its arguments; no shell reads them.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nimwrap.domain.clock import Clock
from nimwrap.hooks.hook_end import TIMED_OUT, HookEnd
from nimwrap.hosts.local import OURS_ALONE

_STARTER = (
    'cd "$1" || exit 1; mkdir begun 2>/dev/null || exit 0; shift; echo $$ > pid; mv pid begun/pid; '
    '"$@" > out 2>&1 < /dev/null; echo $? > rc.new; mv rc.new rc'
)
_SAYS_MOST = 16_000_000
_OUTPUT = 16_000
_GRACE_S = 1.0


@dataclass(frozen=True)
class ControlHook:
    """``argv`` in ``room``; it is ended after ``timeout_s``."""

    room: Path
    argv: Sequence[str]
    timeout_s: float


def run_here(hook: ControlHook, clock: Clock) -> HookEnd:
    """Run it, or follow the one that runs or has ended already, to its end.

    Raises Interrupted when we are told to leave: it goes on.
    """
    began, pause = clock.monotonic(), 0.01
    process = _start(hook)
    while True:
        end = _end(hook)
        if end is not None:
            return end
        size = _size(hook.room / "out")
        if clock.monotonic() - began > hook.timeout_s or size > _SAYS_MOST:
            _kill(hook)
            end = _end(hook)
            return end or HookEnd(TIMED_OUT, _said(hook) + ("\nit said too much\n" if size > _SAYS_MOST else ""))
        own = process is not None and process.poll() is None
        if not own and _pid(hook) is not None and not _lives(hook):
            return _end(hook) or HookEnd(None, f"{_said(hook)}\nit was killed before its end\n")
        clock.check()
        clock.sleep(pause)
        pause = min(pause * 1.5, 0.5)


def clear_room(room: Path) -> None:
    """Remove what is kept of a hook whose end is recorded."""
    shutil.rmtree(room, ignore_errors=True)
    with suppress(OSError):
        room.parent.rmdir()


def _start(hook: ControlHook) -> subprocess.Popen[bytes] | None:
    if (hook.room / "begun").exists():
        return None
    hook.room.mkdir(mode=0o700, parents=True, exist_ok=True)
    environ = {name: value for name, value in os.environ.items() if name not in OURS_ALONE}
    return subprocess.Popen(
        ["/bin/sh", "-c", _STARTER, "nimwrap-hook", str(hook.room), *hook.argv],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env=environ,
        start_new_session=True,
    )


def _end(hook: ControlHook) -> HookEnd | None:
    """Its end as its shell wrote it; None while there is none."""
    try:
        return HookEnd(int((hook.room / "rc").read_text()), _said(hook))
    except (OSError, ValueError):
        return None


def _said(hook: ControlHook) -> str:
    with suppress(OSError), (hook.room / "out").open("rb") as file:
        file.seek(max(0, _size(hook.room / "out") - _OUTPUT))
        return file.read(_OUTPUT).decode("utf-8", "replace")
    return ""


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _pid(hook: ControlHook) -> int | None:
    try:
        return int((hook.room / "begun" / "pid").read_text())
    except (OSError, ValueError):
        return None


def _lives(hook: ControlHook) -> bool:
    """Whether its shell lives: that the process of this number is it, since numbers are used again."""
    pid = _pid(hook)
    if pid is None:
        return False
    asked = ["ps", "-p", str(pid), "-o", "args="]
    listed = subprocess.run(asked, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return str(hook.room) in listed.stdout


def _kill(hook: ControlHook) -> None:
    """End it and all that it started in its session."""
    pid = _pid(hook)
    if pid is None or not _lives(hook):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(pid, number)
        until = time.monotonic() + _GRACE_S
        while _lives(hook) and time.monotonic() < until:
            time.sleep(0.02)
