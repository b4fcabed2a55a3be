"""``alt_disk_mksysb`` and ``alt_rootvg_op``: an image as a sleeping rootvg on a free disk of a running machine.

Flags as IBM's pages of the two commands have them: ``-B`` leaves the boot list alone, ``-X`` removes the sleeping
volume group from the ODM.
"""

from __future__ import annotations

SLEEPING = "altinst_rootvg"


def install_argv(image: str, disk: str) -> list[str]:
    """Restore ``image`` to ``disk``, which must be in no volume group; the machine goes on booting as it did."""
    return ["/usr/sbin/alt_disk_mksysb", "-m", image, "-d", disk, "-B"]


def remove_argv() -> list[str]:
    """Forget the sleeping rootvg; its disk is free again."""
    return ["/usr/sbin/alt_rootvg_op", "-X", SLEEPING]
