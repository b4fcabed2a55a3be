"""``lsattr -El IF``: the addresses an interface has in the ODM, which a cluster's are not (aix-nim section 4)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

_ADDRESS = r"\d{1,3}(?:\.\d{1,3}){3}"
_NETADDR = re.compile(rf"netaddr\s+({_ADDRESS})?\s.*")
_ALIAS4 = re.compile(rf"alias4\s+({_ADDRESS})?(?:,\S+)?\s.*")
_STATE = re.compile(r"state\s+(up|down|detach)\s.*")


@dataclass(frozen=True)
class InterfaceAttributes:
    """``netaddr`` and ``state`` are empty where unset; ``aliases`` are the lasting ones."""

    netaddr: str = ""
    aliases: tuple[str, ...] = ()
    state: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        return (self.netaddr, *self.aliases) if self.netaddr else self.aliases


def argv(interface: str) -> list[str]:
    return ["lsattr", "-El", interface]


def parse(text: str) -> InterfaceAttributes:
    """The addresses of one interface; ``alias4`` may stand on several lines."""
    netaddr: str | None = None
    aliases: list[str] = []
    state = ""
    for line in lines(text):
        if match := _NETADDR.fullmatch(line):
            netaddr = match[1] or ""
        elif match := _ALIAS4.fullmatch(line):
            aliases += [match[1]] if match[1] else []
        elif match := _STATE.fullmatch(line):
            state = match[1]
    if netaddr is None and not aliases:
        raise Unrecognised("lsattr", text)
    return InterfaceAttributes(netaddr or "", tuple(aliases), state)
