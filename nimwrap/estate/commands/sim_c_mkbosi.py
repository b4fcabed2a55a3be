"""NIM's client method that makes the image: mount the master's directory, back up into it, unmount.

Reference aix-nim section 2.3 points 4 and 5. What failed is told to the master on stderr: the command's name in the
first line, its raw output after it; mksysb's own output goes to stdout as it comes.
"""

from __future__ import annotations

import os

from nimwrap.estate.machine import Machine
from nimwrap.estate.process import environment, pump, start, write_all

FAILED = 175


def changes(_command: str, _args: list[str]) -> bool:
    return True


def main(me: Machine, args: list[str]) -> int:
    """``SERVER DIRECTORY FILE FLAGS KIND [VG]``."""
    server, directory, file, flags, kind = args[:5]
    over = f"/tmp/_nim_dir_{os.getpid()}"
    os.makedirs(me.path(over))
    status, text = _run(me, ["/usr/sbin/mount", f"{server}:{directory}", over])
    if status:
        os.rmdir(me.path(over))
        return _report(me, "/usr/sbin/mount", text)
    argv = _backup_command(kind, flags, f"{over}/{file}", args[5:])
    status, text = _run(me, argv, relay=True)
    _run(me, ["/usr/sbin/umount", over])
    if os.path.isdir(me.path(over)):
        os.rmdir(me.path(over))
    if status:
        return _report(me, "/usr/bin/savevg", text)
    me.err(text)  # warnings of a backup that succeeded, such as 0512-003
    return 0


def _backup_command(kind: str, flags: str, target: str, groups: list[str]) -> list[str]:
    if kind in ("ios_mksysb", "ios_backup"):
        return ["/usr/ios/cli/ioscli", "backupios", "-file", target, "-mksysb"]
    if kind == "savevg":
        return ["/usr/bin/savevg", *([f"-{flags}"] if flags else []), "-f", target, *groups]
    return ["/usr/bin/mksysb", *([f"-{flags}"] if flags else []), target]


def _run(me: Machine, argv: list[str], *, relay: bool = False) -> tuple[int, str]:
    """The command's status and its stderr (with stdout where it is not relayed)."""
    env = {**environment(me), "ESTATE_NIM": "1", "LC_ALL": os.environ.get("LC_ALL", "C")}
    child = start([me.path(argv[0]), *argv[1:]], env, cwd=me.root or "/")
    errors: list[bytes] = []
    pump({child.stdout: _relay if relay else errors.append, child.stderr: errors.append})
    status = child.wait()
    return status, me.paths.outward(b"".join(errors).decode("utf-8", "replace"))


def _relay(data: bytes) -> None:
    try:
        write_all(1, data)
    except OSError:
        return


def _report(me: Machine, command: str, text: str) -> int:
    try:
        me.err(f"{command}\n{text}")
    except OSError:
        return FAILED  # nobody listens any more
    return FAILED
