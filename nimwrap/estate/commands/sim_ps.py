"""/usr/bin/ps: the build machine's real processes, without those that plainly belong to another host of the estate."""

from __future__ import annotations

import os

from nimwrap.estate.machine import Machine
from nimwrap.estate.process import pump, start

_TOPS = (b"usr/", b"etc/", b"bin/", b"var/", b"tmp/", b"export/")
_PS = next((path for path in ("/usr/bin/ps", "/bin/ps") if os.access(path, os.X_OK)), "/bin/ps")


def main(me: Machine, args: list[str]) -> int:
    """A line that names another host's tree, of this estate or another, is that host's and not shown.

    Nor is one about a process of another namespace: the network lab's hosts have their own, and images of the same
    names. Everything else is shown, as wide as COLUMNS says.
    """
    env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}
    if columns := os.environ.get("COLUMNS"):
        env["COLUMNS"] = columns
    child = start([_PS, *args], env, cwd="/")
    portions: list[bytes] = []
    pump({child.stdout: portions.append, child.stderr: lambda data: me.put(2, data)})
    own = (os.fsencode(f"{me.root}/"), os.fsencode(f"{me.base}/shells/{me.name} "))
    lines = b"".join(portions).splitlines(keepends=True)
    here = _own_namespace() if me.root else None
    kept = [
        line
        for line in lines
        if not me.root or any(text in line for text in own) or not (_of_another(line) or _elsewhere(line, here))
    ]
    me.put(1, b"".join(kept))
    return child.wait()


def _of_another(line: bytes) -> bool:
    """True for a line with a path below some host's tree, or with some host's shell."""
    for part in line.split(b"/hosts/")[1:]:
        name, slash, rest = part.partition(b"/")
        if slash and _is_name(name) and rest.startswith(_TOPS):
            return True
    for part in line.split(b"/shells/")[1:]:
        name, space, _ = part.partition(b" ")
        if space and _is_name(name):
            return True
    return False


def _is_name(text: bytes) -> bool:
    return text.replace(b"_", b"0").replace(b"-", b"0").isalnum()


def _elsewhere(line: bytes, here: int | None) -> bool:
    """True for a line of ``ps -ef`` about a process of another process namespace than ``here``, or gone meanwhile."""
    words = line.split(None, 2)
    if here is None or len(words) < 3 or not words[1].isdigit():
        return False
    try:
        return os.stat(f"/proc/{int(words[1])}/ns/pid").st_ino != here
    except FileNotFoundError:
        return True  # whose it was cannot be told any more
    except OSError:
        return False


def _own_namespace() -> int | None:
    """What tells our process namespace from others; None where the system has none."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return None
