"""The name of a client, alone in its module: what needs no other record starts quicker without them."""

from __future__ import annotations

from dataclasses import dataclass

MASTER = "master"
"""How NIM calls the master's own machine object: the client that its own images are of."""

Key = tuple[str, str]
"""Master and client: a plain tuple is looked up several times as fast as a ClientRef."""


@dataclass(frozen=True)
class ClientRef:
    """A client of a master: the pair that names it everywhere."""

    master: str
    client: str

    def __str__(self) -> str:
        return f"{self.master}/{self.client}"
