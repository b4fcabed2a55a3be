"""Kind ``mksysb``: the rootvg of a client, from which it is installed again."""

from __future__ import annotations

from nimwrap.aix import nim
from nimwrap.images.kinds.base import ImageKind, ImageOrder, Making


class Mksysb(ImageKind):
    name = "mksysb"
    resource_type = "mksysb"
    fixed_name = True
    bootable = True
    programs = ("mksysb",)

    def making(self, order: ImageOrder) -> Making:
        return Making(self._define(order), preview=self._define(order, preview=True))

    def on_client(self, order: ImageOrder, path: str) -> list[str]:
        return ["mksysb", f"-{order.policy.mksysb_flags}", path]

    def _define(self, order: ImageOrder, *, preview: bool = False) -> list[str]:
        return nim.define_mksysb(
            order.names.resource or "",
            client=order.client,
            location=order.names.location,
            flags=order.policy.mksysb_flags,
            force=order.force and not preview,
            size_preview=preview,
        )


KIND = Mksysb()
