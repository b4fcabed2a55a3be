"""Kind ``ios_mksysb``: the whole Virtual I/O Server, from which it is installed again."""

from __future__ import annotations

from nimwrap.images.kinds.base import ImageOrder, ProofRow
from nimwrap.images.kinds.vios_kind import IOSCLI, ViosKind


class IosMksysb(ViosKind):
    """What nim prints for a VIOS is in no public capture: 0512-038 is evidence when there, and not missed when not."""

    name = "ios_mksysb"
    resource_type = "ios_mksysb"
    proof = ProofRow(success_code=False)
    fixed_name = True
    bootable = True

    def on_client(self, order: ImageOrder, path: str) -> list[str]:
        """Without the media library (peers section 4, S9)."""
        return [IOSCLI, "backupios", "-file", path, "-mksysb", "-nomedialib"]


KIND = IosMksysb()
