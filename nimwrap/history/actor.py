"""Who asks for what this process does: the person who logged in, or the unit by which systemd started it."""

from __future__ import annotations

import os
import pwd
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@\\-]{0,63}\$?")
_INVOCATION = re.compile(r"[0-9a-f]{32}")
_UNIT = re.compile(r"[A-Za-z0-9:_.@\\-]{1,255}\.service")


@dataclass(frozen=True)
class Actor:
    """Who asked, and on which control host."""

    name: str
    control_host: str


@cache
def current_actor() -> Actor:
    """The actor of this process, asked once."""
    groups = ""
    with suppress(OSError):
        groups = Path("/proc/self/cgroup").read_text(errors="replace")
    return Actor(actor_name(os.environ, _login(), groups), socket.gethostname())


def actor_name(environ: Mapping[str, str], login: str, groups: str) -> str:
    """``alice``; under systemd ``nimwrap.service (invocation ID)``; both where a person is known as well.

    ``login``: the user who logged in; ``groups``: what /proc/self/cgroup says. Where systemd says an invocation and the
    control groups no unit (a container), the user stands for it.
    """
    sudo = environ.get("SUDO_USER", "")
    person = sudo if _USER.fullmatch(sudo) else ""
    invocation = environ.get("INVOCATION_ID", "")
    if not _INVOCATION.fullmatch(invocation):
        return person or login
    unit = _unit(groups)
    if not unit:
        return f"{person or login} (invocation {invocation})"
    return f"{person} ({unit}, invocation {invocation})" if person else f"{unit} (invocation {invocation})"


def _unit(groups: str) -> str:
    """The service that the control groups name, each line being ``N:CONTROLLERS:PATH``."""
    for line in groups.splitlines():
        leaf = line.rpartition("/")[2]
        if _UNIT.fullmatch(leaf):
            return leaf
    return ""


def _login() -> str:
    """Who logged in, also after ``su``; where nobody did (cron, SRC), the user that the process runs as."""
    with suppress(OSError):
        return os.getlogin()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
