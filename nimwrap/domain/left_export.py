"""Something of ours, or of an operation of NIM, that is exported although nothing says that it should be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LeftExport:
    """``text``: the entry as it stands; ``why``: what is wrong with it; ``cure``: what takes it out.

    ``open``: somebody is let in by it now. Else it only waits in a file for the next ``exportfs -a``.
    """

    directory: str
    text: str
    why: str
    cure: str
    open: bool = True
