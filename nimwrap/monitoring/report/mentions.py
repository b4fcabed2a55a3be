"""A client wherever the page names it: a link to its row among the clients, where it has one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from nimwrap.domain.ref import ClientRef
from nimwrap.monitoring.report.svg import Markup, joined, tag


def anchor(ref: ClientRef) -> str:
    """The id of a client's row: the same in every report, and of plain characters whatever its name is."""
    return "c-" + "".join(one if one.isascii() and one.isalnum() else f"_{ord(one):x}_" for one in str(ref))


class Mentions:
    """The names of clients as they are shown here."""

    def __init__(self, names: Mapping[ClientRef, str]) -> None:
        self._names = names

    def one(self, ref: ClientRef) -> Markup:
        """One client."""
        if ref not in self._names:
            return joined([str(ref)])
        return tag("a", self._names[ref], href=f"#{anchor(ref)}")

    def some(self, refs: Iterable[ClientRef], most: int = 8) -> Markup:
        """Several, and how many more there are."""
        all_of_them = list(refs)
        parts: list[object] = []
        for ref in all_of_them[:most]:
            parts += [", ", self.one(ref)] if parts else [self.one(ref)]
        return joined([*parts, f" and {len(all_of_them) - most} more" if len(all_of_them) > most else ""])
