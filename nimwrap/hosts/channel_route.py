"""How a client is reached, in one word: ``c_rsh`` as a whole, ``c_rsh:512`` in pieces of 512 bytes, ``ssh``, ``self``.

``auto`` stands for what has yet to be found out. ``narrow:N`` and ``mute`` are no ways: c_rsh reaches the client, and
carries too little, or runs nothing of ours.
"""

from __future__ import annotations

from datetime import timedelta

AUTO, BY_C_RSH, BY_SSH, SELF = "auto", "c_rsh", "ssh", "self"
"""``self`` is for what a master makes of itself: there is nobody to call."""
NARROW, MUTE = "narrow", "mute"
LASTS = timedelta(days=30)
"""After so long, what is known is found out again."""


def way_of(route: str) -> str:
    """``c_rsh``, ``ssh``, ``self``, ``auto``; for no way at all ``narrow`` or ``mute``."""
    return route.partition(":")[0]


def piece_bytes(route: str) -> int | None:
    """The bytes of a call that ``route`` carries; None where scripts go as they are."""
    number = route.partition(":")[2]
    return int(number) if number.isdigit() else None


def in_words(route: str) -> str:
    """``route`` for a person."""
    size = piece_bytes(route)
    return way_of(route) if size is None else f"{way_of(route)} in pieces of {size} bytes"
