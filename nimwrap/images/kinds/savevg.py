"""Kind ``savevg``: one user volume group of a client."""

from __future__ import annotations

import shlex

from nimwrap.aix import nim
from nimwrap.images.kinds.base import ImageKind, ImageOrder, Making, ProofRow, RestoreHint


class Savevg(ImageKind):
    name = "savevg"
    resource_type = "savevg"
    extension = "savevg"
    proof = ProofRow(reader="lssavevg")
    several = True
    programs = ("savevg",)

    def making(self, order: ImageOrder) -> Making:
        if not order.volume_group:
            raise ValueError("savevg needs the name of a volume group: set volume_groups")
        return Making(self._define(order), preview=self._define(order, preview=True))

    def on_client(self, order: ImageOrder, path: str) -> list[str]:
        return ["savevg", "-i", "-f", path, order.volume_group]

    def header_shell(self, location: str) -> str:
        """Not every level has lssavevg; lsmksysb reads the same header."""
        own = shlex.join(["lssavevg", "-f", location, "-l"])
        general = super().header_shell(location)
        return f"if [ -x /usr/bin/lssavevg ] || [ -x /usr/sbin/lssavevg ]; then {own}; else {general}; fi"

    def restore_hint(self, location: str, name: str) -> RestoreHint:
        return RestoreHint(
            f"bring back the volume group of {name}",
            f"restvg -q -f {shlex.quote(location)} hdiskN",
            "On the client, over a mount of the master",
        )

    def _define(self, order: ImageOrder, *, preview: bool = False) -> list[str]:
        return nim.define_savevg(
            order.names.resource or "",
            client=order.client,
            location=order.names.location,
            volume_group=order.volume_group,
            size_preview=preview,
        )


KIND = Savevg()
