"""/usr/sbin/alt_disk_mksysb -m IMAGE -d DISK [-B]: the image becomes a sleeping rootvg on a free disk of this host.

Flags as IBM's page of the command has them; its messages are this estate's own.
"""

from __future__ import annotations

from nimwrap.estate.image import DamagedError, check_whole
from nimwrap.estate.machine import Machine

SLEEPING = "altinst_rootvg"


def changes(_command: str, _args: list[str]) -> bool:
    return True


def main(me: Machine, args: list[str]) -> int:
    """A damaged image leaves a half made volume group behind, as an interrupted one would."""
    given = {word: args[at + 1] for at, word in enumerate(args[:-1])}
    image, disk = given.get("-m", ""), given.get("-d", "")
    disks = me.state.read("spare_disks").get(me.name, {})
    if disk not in disks or disks[disk] or SLEEPING in disks.values():
        me.err(f"0505-109 alt_disk_mksysb: {disk or 'no disk'} cannot be used: it is in use or does not exist.\n")
        return 1

    def taken(content: dict[str, dict[str, str]]) -> None:
        content[me.name][disk] = SLEEPING

    try:
        with open(me.path(image), "rb") as file:
            me.state.change("spare_disks", taken)
            header = check_whole(file)
    except (OSError, DamagedError) as error:
        me.err(f"0505-218 alt_disk_mksysb: the image {image} cannot be restored: {type(error).__name__}.\n")
        return 1
    me.out(f"Restoring mksysb image of {header.node} to alternate disk(s).\nFixing file systems in {SLEEPING}.\n")
    return 0
