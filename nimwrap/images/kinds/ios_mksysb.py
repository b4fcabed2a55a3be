"""Kind ``ios_mksysb``: the whole Virtual I/O Server, from which it is installed again."""

from __future__ import annotations

from nimwrap.aix import nim
from nimwrap.images.kinds.base import ImageKind, ImageOrder, Making, ProofRow

IOSCLI = "/usr/ios/cli/ioscli"


class IosMksysb(ImageKind):
    """What nim prints for a VIOS is in no public capture: 0512-038 is evidence when there, and not missed when not."""

    name = "ios_mksysb"
    resource_type = "ios_mksysb"
    machine_types = ("vios",)
    proof = ProofRow(success_code=False)
    fixed_name = True
    bootable = True

    def making(self, order: ImageOrder) -> Making:
        names = order.names
        return Making(
            nim.define_ios(
                names.resource or "", client=order.client, location=names.location, type_=self.name, force=order.force
            )
        )

    def on_client(self, order: ImageOrder, path: str) -> list[str]:
        """Without the media library (peers section 4, S9)."""
        return [IOSCLI, "backupios", "-file", path, "-mksysb", "-nomedialib"]


KIND = IosMksysb()
