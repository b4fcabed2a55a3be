"""/usr/sbin/mount: the table, and NFS mounts that the server's export list really decides.

A mount is a symbolic link in place of the mount point (the directory waits aside), so whatever writes through it
lands on the server. A mount that may not write leads to a place that refuses even root.
"""

from __future__ import annotations

import os
import time

from nimwrap.estate import hooks, net, nfs, remote
from nimwrap.estate.filesystems import MountedFilesystem, filesystems, mounts
from nimwrap.estate.machine import Machine
from nimwrap.estate.stdlib import NamedTuple

_HEADER = (
    "  node       mounted        mounted over    vfs       date        options\n"
    "-------- ---------------  ---------------  ------ ------------ ---------------\n"
)
_REFUSERS = ("/sys/kernel", "/proc/fs", "/proc/self/fdinfo")


class _Wish(NamedTuple):
    node: str
    directory: str
    over: str
    options: str


def changes(_command: str, args: list[str]) -> bool:
    """Every call with arguments but ``mount -v``-less listings."""
    return bool(args)


def main(me: Machine, args: list[str]) -> int:
    """No arguments: the table. ``NODE:DIR OVER`` or ``-n NODE DIR OVER``: an NFS mount."""
    if not args:
        me.out(_HEADER + "".join(_rows(me)))
        return 0
    wish = _parse(args)
    if wish is None:
        me.err("mount: 0506-334 only NFS mounts of the form node:directory are simulated here.\n")
        return 1
    if not os.path.exists(me.path(wish.over)):
        me.err(
            f"mount: 0506-324 Cannot mount {wish.node}:{wish.directory} on {wish.over}: "
            "A file or directory in the path name does not exist.\n"
        )
        return 1
    return _mount(me, wish)


def _parse(args: list[str]) -> _Wish | None:
    words, node, options = [], "", ""
    rest = list(args)
    while rest:
        word = rest.pop(0)
        if word in ("-n", "-o", "-v", "-t") and rest:
            value = rest.pop(0)
            node = value if word == "-n" else node
            options = value if word == "-o" else options
        elif word.startswith("-o"):
            options = word[2:]
        elif not word.startswith("-"):
            words.append(word)
    if len(words) != 2:
        return None
    if not node:
        node, _, words[0] = words[0].partition(":")
    if not words[0].startswith("/"):
        return None
    over = words[1] if words[1] == "/" else words[1].rstrip("/")
    return _Wish(node, words[0].rstrip("/") or "/", over, options or "rw")


def _mount(me: Machine, wish: _Wish) -> int:
    address = net.lookup(me, wish.node)
    server = remote.answering(me, wish.node)
    if address is None or server is None or server.fault("nfs_down"):
        me.err(_no_answer(wish))
        return 1
    source = net.tcp_source_towards(me, address) or "0.0.0.0"  # noqa: S104 (no address at all)
    if hooks.hook(me, "mount"):
        return _mount_really(me, wish, server, source)
    right = nfs.right(server, wish.directory, source)
    if not right.mount:
        me.err(_denial(wish, right.reason))
        return 1
    target = server.path(wish.directory)
    if not os.path.exists(target):
        me.err(f"{_giving_up(wish)}A file or directory in the path name does not exist.\n")
        return 1
    if any(one.over == wish.over for one in mounts(me)):
        me.err(
            f"mount: 0506-324 Cannot mount {wish.node}:{wish.directory} on {wish.over}: "
            "The requested resource is busy.\n"
        )
        return 1
    writable = os.path.isfile(target) or (right.write and right.root and not me.fault("write_denied"))
    _attach(me, wish, server, source, target if writable else _refusing_place(me))
    return 0


def _mount_really(me: Machine, wish: _Wish, server: Machine, source: str) -> int:
    """A lab's own NFS client asks the real server."""
    status, said = hooks.run(me, "mount", wish.node, wish.directory, wish.over, wish.options)
    if status == 0:
        _attach(me, wish, server, source, "")
        return 0
    known = {
        hooks.ACCESS: _denial(wish, "access"),
        hooks.NO_ENTRY: f"{_giving_up(wish)}A file or directory in the path name does not exist.\n",
        hooks.TIMED_OUT: _no_answer(wish),
    }
    me.err(known.get(status, f"{_giving_up(wish)}{said}"))
    return 1


def _attach(me: Machine, wish: _Wish, server: Machine, source: str, target: str) -> None:
    under = f"{me.state.directory}/under-{me.name}-{os.getpid()}-{time.monotonic_ns()}"
    if target:
        os.rename(me.path(wish.over), under)
        os.symlink(target, me.path(wish.over))
    date = time.strftime("%b %d %H:%M")
    row = MountedFilesystem(wish.node, server.name, wish.directory, wish.over, wish.options, date, source, under)
    me.state.change(f"mounts-{me.name}", lambda held: held.setdefault("mounts", []).append(row._asdict()))


def _refusing_place(me: Machine) -> str:
    """A directory in which creating a file fails, for root too where the machine has one."""
    if os.geteuid() == 0:
        for place in _REFUSERS:
            try:
                os.close(os.open(f"{place}/estate", os.O_CREAT | os.O_EXCL))
            except OSError:
                if os.path.isdir(place):
                    return place
    place = f"{me.state.directory}/read-only"
    os.makedirs(place, mode=0o555, exist_ok=True)
    return place


def _giving_up(wish: _Wish) -> str:
    return f"mount: 1831-008 giving up on:\n{wish.node}:{wish.directory}\n"


def _no_answer(wish: _Wish) -> str:
    return f"mount: 1831-010 server {wish.node} not responding: RPC: 1832-010 Port mapper failure\n{_giving_up(wish)}"


def _denial(wish: _Wish, reason: str) -> str:
    """The seed's texts; a source address without a name gives 1831-019 (reference aix-nim section 6.3)."""
    if reason == "no-name":
        return f"nfsmnthelp: 1831-019 {wish.node}: System call error number -1.\n{_giving_up(wish)}" + (
            "The file access permissions do not allow the specified action.\n"
        )
    return (
        f"mount: 1831-011 access denied for {wish.node}:{wish.directory}\n{_giving_up(wish)}"
        "The file access permissions do not allow the specified action.\n"
    )


def _rows(me: Machine) -> list[str]:
    date = me.facts["booted"]
    rows = []
    for one in filesystems(me):
        options = "rw" if one.vfs == "procfs" else "rw,log=/dev/hd8"
        vfs = "jfs" if me.fault("small_file_fs") and one.device.startswith("/dev/fslv") else one.vfs
        rows.append(f"         {one.device:<16} {one.mounted:<16} {vfs:<6} {date} {options}\n")
    for held in mounts(me):
        rows.append(f"{held.node:<8} {held.directory:<16} {held.over:<16} nfs3   {held.date} {held.options}\n")
    return rows
