"""/usr/sbin/umount (and unmount): takes an NFS mount away, unless an image is being written through it."""

from __future__ import annotations

import os

from nimwrap.estate import hooks
from nimwrap.estate.filesystems import MountedFilesystem, mounts
from nimwrap.estate.machine import Machine


def changes(_command: str, _args: list[str]) -> bool:
    return True


def main(me: Machine, args: list[str]) -> int:
    """``[-f] OVER`` or ``NODE:DIR``."""
    words = [word for word in args if not word.startswith("-")]
    status = 0
    for word in words:
        status = max(status, _umount(me, word, force="-f" in args))
    return status if words else 1


def _umount(me: Machine, word: str, *, force: bool) -> int:
    plain = word if word == "/" else word.rstrip("/")
    held = next((one for one in mounts(me) if plain in (one.over, f"{one.node}:{one.directory}")), None)
    if held is None:
        me.err(f"umount: 0506-347 Cannot find anything to unmount. {word}\n")
        return 1
    if not force and _in_use(me, held):
        me.err(f"umount: 0506-349 Cannot unmount {held.over}: The requested resource is busy.\n")
        return 1

    def forget(content: dict[str, list[dict[str, str]]]) -> None:
        content["mounts"] = [row for row in content.get("mounts", []) if row["over"] != held.over]

    status, said = hooks.run(me, "umount", held.over, held.node, held.directory)
    if status:
        me.err(f"umount: 0506-349 Cannot unmount {held.over}: {said}\n")
        return 1
    me.state.change(f"mounts-{me.name}", forget)
    if not me.real_root:
        if os.path.islink(me.path(held.over)):
            os.unlink(me.path(held.over))
        if os.path.exists(held.under):
            os.rename(held.under, me.path(held.over))
    return 0


def _in_use(me: Machine, held: MountedFilesystem) -> bool:
    for pid, path in me.state.read(f"writers-{me.name}").items():
        if path.startswith(held.over.rstrip("/") + "/") and _alive(int(pid)):
            return True
    return False


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
