"""Kind ``master_mksysb``: the master's own rootvg, by a mksysb that it runs itself; nimwrap defines the file."""

from __future__ import annotations

from nimwrap.images.kinds.base import ImageKind, ImageOrder, Making


class MasterMksysb(ImageKind):
    name = "master_mksysb"
    resource_type = "mksysb"
    through_client = False
    machine_types = ("master",)
    defines_itself = False
    fixed_name = True
    bootable = True
    master_tool = "/usr/bin/mksysb"

    def making(self, order: ImageOrder) -> Making:
        return Making(["mksysb", f"-{order.policy.mksysb_flags}", order.names.location], plain_locale=True)


KIND = MasterMksysb()
