"""The simulated file systems of a host: fixed sizes, and usage that grows with what really lies in them."""

from __future__ import annotations

import os

from nimwrap.estate.machine import Machine
from nimwrap.estate.stdlib import NamedTuple


class FileSystem(NamedTuple):
    """Sizes in 1024-byte blocks; ``base_kb`` is what was in use when the estate was built."""

    device: str
    mounted: str
    vfs: str
    size_kb: int
    base_kb: int
    inodes: int


class MountedFilesystem(NamedTuple):
    """One NFS mount of a host, as its own table remembers it."""

    node: str
    server: str
    directory: str
    over: str
    options: str
    date: str
    source: str
    under: str


def filesystems(me: Machine) -> list[FileSystem]:
    """The local file systems in the order of /etc/filesystems; a changed size is a setting."""
    sizes = me.state.read("filesystems").get(me.name, {})
    found = []
    for row in me.facts["filesystems"]:
        one = FileSystem(*row)
        found.append(one._replace(**sizes.get(one.mounted, {})))
    return found


def mount_point(me: Machine, directory: str) -> str:
    """Where the file system that holds ``directory`` is mounted."""
    best = "/"
    for one in filesystems(me):
        if directory == one.mounted or directory.startswith(one.mounted.rstrip("/") + "/"):
            best = max(best, one.mounted, key=len)
    return best


def filesystem(me: Machine, directory: str) -> FileSystem:
    """The file system that holds ``directory``."""
    point = mount_point(me, directory)
    return next(one for one in filesystems(me) if one.mounted == point)


def used_kb(me: Machine, one: FileSystem) -> int:
    """Blocks in use: the base and, on data file systems, everything that was put there."""
    if not one.device.startswith("/dev/fslv"):
        return one.base_kb
    total = 0
    for folder, _, files in os.walk(me.path(one.mounted)):
        for name in files:
            try:
                total += os.lstat(f"{folder}/{name}").st_size
            except FileNotFoundError:
                continue
    return one.base_kb + (total + 1023) // 1024


def free_kb(me: Machine, one: FileSystem) -> int:
    """Blocks still free; none when the fault ``disk_full`` says so."""
    return max(0, one.size_kb - used_kb(me, one))


def mounts(me: Machine) -> list[MountedFilesystem]:
    """The host's NFS mounts, oldest first."""
    return [MountedFilesystem(**row) for row in me.state.read(f"mounts-{me.name}").get("mounts", [])]


def mount_of(me: Machine, path: str) -> MountedFilesystem | None:
    """The NFS mount that ``path`` lies in."""
    inside = [one for one in mounts(me) if path == one.over or path.startswith(one.over.rstrip("/") + "/")]
    return max(inside, key=lambda one: len(one.over), default=None)
