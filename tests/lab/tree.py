"""A host's tree of the estate as a root of its own: the libraries that programs need, a userland as strict as AIX's.

Nothing in ``/usr/bin`` but AIX's names; the machine's own programs stand below ``/.lab``, where no PATH leads.
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

from nimwrap.estate import catalogue

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = "/.lab/code/tests/lab/programs"
_FREE = ("sh", "ksh")
_USERS = ("sshd", "nobody", "_rpc", "statd", "daemon")
_POINTS = (
    "usr/lib",
    "usr/lib64",
    ".lab/usr",
    ".lab/code",
    ".lab/site",
    "proc",
    "dev",
    "run",
    "var/lib/nfs/ganesha",
    "var/log",
    "var/empty",
)

_LINKS = {"lib": "usr/lib", "lib64": "usr/lib64", "var/run": "/run", "etc/mtab": "/proc/self/mounts"}


def python() -> str:
    """The interpreter as a host sees it."""
    program = Path(sys.executable).resolve()
    return f"/.lab{program}" if sys.base_prefix == "/usr" else str(program)


def hooks() -> dict[str, list[str]]:
    """The programs by which the estate's executables use the real network."""
    return {
        name: [python(), "-SEs", f"{PROGRAMS}/{name}.py"]
        for name in ("remote", "exports", "mount", "write", "addresses")
    }


def binds(base: Path) -> list[list[str]]:
    """What is bound into each host's tree: a source and its place."""
    wanted = [
        ("/usr/lib", "/usr/lib"),
        ("/usr/lib64", "/usr/lib64"),
        ("/usr", "/.lab/usr"),
        (PROJECT, "/.lab/code"),
        (sysconfig.get_paths()["purelib"], "/.lab/site"),
        (base, "/.base"),
        ("/dev", "/dev"),
    ]
    if sys.base_prefix != "/usr":
        wanted.append((sys.base_prefix, sys.base_prefix))
    return [[str(source), place] for source, place in wanted if Path(source).exists()]


def furnish(tree: Path) -> None:
    """Turn an estate's host tree (built with ``real_root``) into a root that can be entered."""
    for place in (*_POINTS, *([sys.base_prefix.lstrip("/")] if sys.base_prefix != "/usr" else [])):
        (tree / place).mkdir(parents=True, exist_ok=True)
    for name, target in _LINKS.items():
        if not (tree / name).is_symlink():
            (tree / name).symlink_to(target)
    _accounts(tree / "etc")
    _tools(tree)


def _real(tool: str) -> str:
    """The machine's own program as a host sees it: no link on the way, for those lead through /etc."""
    found = shutil.which("grep" if tool == "egrep" else tool, path="/usr/bin:/bin")
    return f"/.lab{Path(found).resolve()}" if found else "/.lab/absent"


def _accounts(etc: Path) -> None:
    lines = [line for line in Path("/etc/passwd").read_text().splitlines() if line.split(":")[0] in _USERS]
    (etc / "passwd").write_text("root:x:0:0::/:/usr/bin/ksh\n" + "".join(f"{line}\n" for line in lines))
    (etc / "group").write_text(Path("/etc/group").read_text())
    (etc / "nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files\n")
    for name in ("netconfig", "protocols", "rpc", "services"):
        if Path("/etc", name).exists():
            (etc / name).write_text(Path("/etc", name).read_text())


def _tools(tree: Path) -> None:
    strict = (Path(__file__).parent / "strict.sh").read_text()
    place = tree / "usr/bin"
    names = {*catalogue.TOOLS, *catalogue.CHANGING_TOOLS, "ps", "perl"} - {*_FREE}
    for name in names:
        (place / name).unlink(missing_ok=True)
        (place / name).write_text(f"#!/.lab/usr/bin/dash\ntool={name}\nreal={_real(name)}\n{strict}")
        (place / name).chmod(0o755)
    (place / "sh").symlink_to("/.lab/usr/bin/dash")
    (place / "ksh").symlink_to("/.lab/usr/bin/ksh93")
