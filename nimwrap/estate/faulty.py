"""What the fault switches do to an image that is being made."""

from __future__ import annotations

import os

from nimwrap.estate.image import Header
from nimwrap.estate.machine import Machine


def is_idle() -> bool:
    """True for the process that ``client_busy`` starts: it only looks like somebody else's backup."""
    return os.environ.get("ESTATE_IDLE") == "yes"


def faulty_header(me: Machine, header: Header) -> Header:
    """The header as the switch ``wrong_host_image_rc0`` wants it: the value names the other host."""
    other = me.fault("wrong_host_image_rc0")
    if not other:
        return header
    node = "otherhost" if other is True else str(other)
    return header._replace(node=node, machine_id="00F6BAD04C00")


def is_done_with(me: Machine, share: float) -> bool:
    """True where ``truncated_image_rc0`` ends the image early (its value is the share, else 0.6)."""
    cut = me.fault("truncated_image_rc0")
    return bool(cut) and share >= (0.6 if cut is True else float(cut))


def is_held(me: Machine, share: float) -> bool:
    """True for an image that waits, so far written, for :meth:`Estate.release_images`."""
    held = me.setting("hold")
    return bool(held) and share >= held["at"] and (not held["hosts"] or me.name in held["hosts"])
