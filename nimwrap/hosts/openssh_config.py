"""The configuration that our ``ssh`` runs with: strict first, then the user's own."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from nimwrap.config.model import MasterConfig
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.hosts.ssh_identity import known_hosts

CONNECT_S = 15
_PREFIX = "nimwrap-ssh-"
_LONGEST = 60
"""Longest directory: a socket's path has 104 bytes on some systems, and ssh adds 17 while it makes it."""

_STRICT = f"""\
BatchMode yes
StrictHostKeyChecking yes
UpdateHostKeys no
VerifyHostKeyDNS no
PermitLocalCommand no
ClearAllForwardings yes
ForwardAgent no
RequestTTY no
EscapeChar none
LogLevel ERROR
ConnectTimeout {CONNECT_S}
ConnectionAttempts 1
TCPKeepAlive yes
ServerAliveInterval 15
ServerAliveCountMax 3
"""


def control_directory() -> Path:
    """A new private directory (0700) with a short path."""
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=_base()))


def abandoned() -> list[Path]:
    """The directories of this user's processes that were killed before they could remove them."""
    found = []
    for old in _base().glob(f"{_PREFIX}*"):
        owner = old.name.removeprefix(_PREFIX).split("-")[0]
        if owner.isdigit() and _is_ours(old) and not _runs(int(owner)):
            found.append(old)
    return found


def _base() -> Path:
    base = Path(tempfile.gettempdir())
    return base if len(str(base)) <= _LONGEST - 30 else Path("/tmp")  # noqa: S108  (mkdtemp makes it private)


def write_config(directory: Path, master: MasterConfig, identity: Path | None) -> None:
    """Write ``directory/config``. The first value of an option counts, so ours come before the included files.

    A file and not options: ssh hands the file on to the ssh of a ProxyJump, which the options do not reach.
    A configured known_hosts is the only one that is trusted; else ssh's own places are.
    Raises NimwrapError ``config_invalid`` when the configured ssh_config cannot be read.
    """
    lines = [_STRICT.rstrip()]
    if master.known_hosts:
        lines += [f"UserKnownHostsFile {_word(known_hosts(master)[0])}", "GlobalKnownHostsFile /dev/null"]
    if master.ssh_config:
        own = Path(master.ssh_config).expanduser()
        if not os.access(own, os.R_OK):
            raise NimwrapError(
                f"masters.{master.name}.ssh_config: {own} cannot be read",
                code="config_invalid",
                exit_code=ExitCode.CONFIG,
            )
        lines.append(f"Include {_word(own)}")
    else:
        lines += ["Include ~/.ssh/config", "Include /etc/ssh/ssh_config"]
    if identity is not None:
        lines += ["Host *", f"IdentityFile {_word(identity)}"]  # for jump hosts that the user's file has no key for
    (directory / "config").write_text("\n".join(lines) + "\n")


def _word(path: Path) -> str:
    """``path`` as ssh_config reads it back: quoted, without its percent tokens."""
    return '"' + str(path).replace("%", "%%") + '"'


def _is_ours(path: Path) -> bool:
    try:
        return path.lstat().st_uid == os.getuid()
    except OSError:
        return False


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
