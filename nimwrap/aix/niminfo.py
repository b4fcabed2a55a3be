"""``/etc/niminfo`` on a client: which master it belongs to (aix-nim section 5.1, transcripts ``*niminfo--*``)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

_SETTING = re.compile(r"\s*(?:export\s+)?([A-Z_][A-Z0-9_]*)=(?:\"([^\"]*)\"|'([^']*)'|([^\"'\s;]*))\s*(?:[;#].*)?")


@dataclass(frozen=True)
class NimInfo:
    """The settings by name, unquoted; the properties are empty where the file lacks them."""

    values: dict[str, str]

    def get(self, name: str) -> str:
        return self.values.get(name, "")

    @property
    def name(self) -> str:
        return self.get("NIM_NAME")

    @property
    def hostname(self) -> str:
        return self.get("NIM_HOSTNAME")

    @property
    def master_hostname(self) -> str:
        return self.get("NIM_MASTER_HOSTNAME")

    @property
    def master_id(self) -> str:
        return self.get("NIM_MASTERID")

    @property
    def configuration(self) -> str:
        return self.get("NIM_CONFIGURATION")

    @property
    def channel(self) -> str:
        return self.get("NIM_SHELL")

    @property
    def hosts(self) -> tuple[tuple[str, ...], ...]:
        """``NIM_HOSTS``: per entry the address and its names."""
        return tuple(tuple(part for part in entry.split(":") if part) for entry in self.get("NIM_HOSTS").split())


def argv() -> list[str]:
    return ["cat", "/etc/niminfo"]


def parse(text: str) -> NimInfo:
    """The settings, with or without ``export`` and quotes; a name that stands twice has its last value."""
    values: dict[str, str] = {}
    for line in lines(text):
        if match := _SETTING.fullmatch(line):
            values[match[1]] = match[2] or match[3] or match[4] or ""
    if not any(name.startswith("NIM_") for name in values):
        raise Unrecognised("/etc/niminfo", text)
    return NimInfo(values)
