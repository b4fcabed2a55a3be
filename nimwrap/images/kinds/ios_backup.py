"""Kind ``ios_backup``: the virtual I/O configuration of a Virtual I/O Server."""

from __future__ import annotations

import shlex

from nimwrap.aix import nim
from nimwrap.images.kinds.base import OPAQUE, ImageKind, ImageOrder, Making, RestoreHint
from nimwrap.images.kinds.ios_mksysb import IOSCLI


class IosBackup(ImageKind):
    name = "ios_backup"
    resource_type = "ios_backup"
    extension = "iosb"
    label = "iosb"
    machine_types = ("vios",)
    proof = OPAQUE

    def making(self, order: ImageOrder) -> Making:
        names = order.names
        return Making(
            nim.define_ios(
                names.resource or "", client=order.client, location=names.location, type_=self.name, force=order.force
            )
        )

    def on_client(self, order: ImageOrder, path: str) -> list[str]:
        return [IOSCLI, "viosbr", "-backup", "-file", path]

    def restore_hint(self, location: str, name: str) -> RestoreHint:
        return RestoreHint(
            "bring back the virtual I/O configuration",
            f"viosbr -restore -file {shlex.quote(location)}",
            "On the VIOS as padmin, from a copy of the file",
        )


KIND = IosBackup()
