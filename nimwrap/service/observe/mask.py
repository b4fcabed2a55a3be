"""Names and addresses of a real estate by names and addresses of documentation, the same ones everywhere.

Every dotted quad, IPv6 address, hardware address and machine id is masked; of names those that were learned.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv6Address

_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\d)")
_IPV6 = re.compile(r"(?<![\w:.])(?=[0-9A-Fa-f:]*::|(?:[0-9A-Fa-f]{1,4}:){7})[0-9A-Fa-f:]{2,39}(?![\w:])")
_HARDWARE = re.compile(
    r"(?<![\w.:])(?:[0-9A-Fa-f]{1,2}([:.])(?:[0-9A-Fa-f]{1,2}\1){4}[0-9A-Fa-f]{1,2}|[0-9A-Fa-f]{12})(?![\w:]|\.\d)"
)
_CLUSTER_ID = re.compile(r'(CLUSTER_ID="?)\d+')
_KEPT = ("0.", "127.", "255.", "224.")
_ANYBODYS = frozenset(
    (
        "nim",
        "master",
        "client",
        "boot",
        "nim_script",
        "root",
        "localhost",
        "loopback",
        "mksysb",
        "all",
        "online",
        "offline",
    )
)
"""Words that tell nothing about an estate, and stand in outputs for other reasons as well."""
_BLOCKS = ("192.0.2", "198.51.100", "203.0.113")  # RFC 5737


class Masker:
    """Learns names, then masks texts; the same value gets the same mask in every text."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._values: dict[str, str] = {}
        self._pattern: re.Pattern[str] | None = None

    def learn(self, kind: str, names: Iterable[str | None]) -> None:
        """Names of one kind (client, host, rg ...). A name with a domain is learned without it too, as the same."""
        for name in names:
            text = (name or "").strip().lower()
            short, _, domain = text.partition(".")
            if len(short) < 2 or text in _ANYBODYS or _IPV4.fullmatch(text) or not re.search(r"[a-z]", short):
                continue
            if short not in self._names and short not in _ANYBODYS:
                self._counts[kind] += 1
                self._names[short] = f"{kind}{self._counts[kind]}"
            if "." in domain:
                self._names.setdefault(domain, "example.com")
        self._pattern = None

    def masked(self, text: str) -> str:
        """The text without anything of the estate that was learned or looks like an address."""
        text = _CLUSTER_ID.sub(r"\g<1>1000000001", text)
        text = _HARDWARE.sub(lambda match: self._hardware(match[0]), text)
        text = _IPV6.sub(lambda match: self._ipv6(match[0]), text)
        text = _IPV4.sub(lambda match: self._ipv4(match[0]), text)
        if not self._names:
            return text
        if self._pattern is None:
            longest_first = sorted(self._names, key=lambda name: -len(name))
            names = "|".join(map(re.escape, longest_first))
            self._pattern = re.compile(rf"(?<![A-Za-z0-9])(?:{names})(?![A-Za-z0-9])", re.IGNORECASE)
        return self._pattern.sub(lambda match: self._names[match[0].lower()], text)

    def _ipv4(self, address: str) -> str:
        if address.startswith(_KEPT):
            return address
        number = self._number("ipv4", address)
        return f"{_BLOCKS[number // 254 % len(_BLOCKS)]}.{number % 254 + 1}"

    def _ipv6(self, address: str) -> str:
        try:
            known = IPv6Address(address)
        except ValueError:
            return address
        if known.is_unspecified or known.is_loopback:
            return address
        return f"2001:db8::{self._number('ipv6', str(known)) + 1:x}"

    def _hardware(self, text: str) -> str:
        """Hardware addresses in both spellings, and machine ids, which look like one without separators."""
        separator = next((letter for letter in ":." if letter in text), "")
        digits = "".join(part.zfill(2) for part in text.split(separator)) if separator else text
        number = self._number("hardware", digits.lower()) + 1
        shown = f"02{number:010x}"
        return separator.join(shown[at : at + 2] for at in range(0, 12, 2)) if separator else shown.upper()

    def _number(self, kind: str, value: str) -> int:
        key = f"{kind} {value}"
        if key not in self._values:
            self._values[key] = str(self._counts[kind])
            self._counts[kind] += 1
        return int(self._values[key])
