"""Kind ``ios_backup``: the virtual I/O configuration of a Virtual I/O Server."""

from __future__ import annotations

import shlex

from nimwrap.images.kinds.base import OPAQUE, ImageOrder, RestoreHint
from nimwrap.images.kinds.vios_kind import IOSCLI, ViosKind


class IosBackup(ViosKind):
    name = "ios_backup"
    resource_type = "ios_backup"
    extension = "iosb"
    label = "iosb"
    proof = OPAQUE

    def on_client(self, order: ImageOrder, path: str) -> list[str]:
        return [IOSCLI, "viosbr", "-backup", "-file", path]

    def restore_hint(self, location: str, name: str) -> RestoreHint:
        return RestoreHint(
            "bring back the virtual I/O configuration",
            f"viosbr -restore -file {shlex.quote(location)}",
            "On the VIOS as padmin, from a copy of the file",
        )


KIND = IosBackup()
