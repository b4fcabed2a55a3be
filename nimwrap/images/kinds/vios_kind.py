"""What the kinds of a Virtual I/O Server share: one NIM operation makes them, of a machine of type ``vios``."""

from __future__ import annotations

from nimwrap.aix import nim
from nimwrap.images.kinds.base import ImageKind, ImageOrder, Making

IOSCLI = "/usr/ios/cli/ioscli"


class ViosKind(ImageKind):
    machine_types = ("vios",)

    def making(self, order: ImageOrder) -> Making:
        names = order.names
        return Making(
            nim.define_ios(
                names.resource or "", client=order.client, location=names.location, type_=self.name, force=order.force
            )
        )
