"""/usr/sbin/alt_rootvg_op -X [VG]: a sleeping rootvg goes from the ODM, and its disk is free again."""

from __future__ import annotations

from nimwrap.estate.commands.sim_alt_disk_mksysb import SLEEPING
from nimwrap.estate.machine import Machine


def changes(_command: str, _args: list[str]) -> bool:
    return True


def main(me: Machine, args: list[str]) -> int:
    """Only ``-X`` is simulated."""
    group = args[1] if len(args) > 1 else SLEEPING
    disks = me.state.read("spare_disks").get(me.name, {})
    if args[:1] != ["-X"] or group not in disks.values():
        me.err(f"0505-149 alt_rootvg_op: {group} does not exist.\n")
        return 1

    def free(content: dict[str, dict[str, str]]) -> None:
        content[me.name] = {disk: "" if held == group else held for disk, held in disks.items()}

    me.state.change("spare_disks", free)
    me.out("Bootlist is set to the boot disk: hdisk0\n")
    return 0
