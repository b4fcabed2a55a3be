"""Checksums of a file on a master: ``cksum`` always, SHA-256 beside it where the machine has a tool for it.

``csum`` is AIX's own; ``openssl`` is there wherever OpenSSH is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.locks.lock_scripts import MARK, said

SUMS = f"""\
sha256() {{
  if [ -x /usr/bin/openssl ]; then /usr/bin/openssl dgst -sha256 "$1" 2>/dev/null
  elif [ -x /usr/bin/csum ]; then /usr/bin/csum -h SHA256 "$1" 2>/dev/null
  fi | awk '{{ for (i = 1; i <= NF; i++) if (length($i) == 64 && $i !~ /[^0-9A-Fa-f]/) {{ print $i; exit }} }}'
}}
sums() {{
  cksum "$1" > ./cksum.out 2>&1 &
  crc=$!
  echo "{MARK}sha256 $(sha256 "$1")"
  wait $crc || {{ cat ./cksum.out; return 1; }}
  echo "{MARK}cksum $(awk '{{ print $1, $2 }}' ./cksum.out)"
}}
"""
"""Defines ``sums FILE`` for the job's own directory: says both, side by side; its status is that of ``cksum``."""

_CKSUM = re.compile(r"\d+ \d+")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Sums:
    """What was read back. ``crc`` is ``CRC BYTES`` as ``cksum`` says it; either is empty where it was not said."""

    crc: str = ""
    sha256: str = ""

    @property
    def word(self) -> str:
        """One word of it for a program: the SHA-256, else the CRC."""
        return self.sha256 or self.crc.partition(" ")[0]

    @property
    def text(self) -> str | None:
        """The stronger of both, as the history keeps it."""
        if self.sha256:
            return f"sha256:{self.sha256}"
        return f"cksum:{self.crc.replace(' ', ':')}" if self.crc else None


def parse_sums(output: str) -> Sums:
    """The last that a job said of each; empty for what is no checksum."""
    told = dict(line.partition(" ")[::2] for line in said(output))
    crc, sha = told.get("cksum", "").strip(), told.get("sha256", "").strip().lower()
    return Sums(crc if _CKSUM.fullmatch(crc) else "", sha if _SHA256.fullmatch(sha) else "")


def stored_sums(text: str | None) -> Sums:
    """What a copy's column ``checksum`` holds."""
    method, _, value = (text or "").partition(":")
    return Sums(crc=value.replace(":", " ")) if method == "cksum" else Sums(sha256=value if method == "sha256" else "")


def together(first: Sums, second: Sums) -> Sums:
    """What is known from both, the first where they differ."""
    return Sums(first.crc or second.crc, first.sha256 or second.sha256)


def difference(known: Sums, seen: Sums) -> str | None:
    """Why what was read back is not what is known; None only when a checksum of both was compared and is equal."""
    pairs = [(known.crc, seen.crc), (known.sha256, seen.sha256)]
    compared = [(own, read) for own, read in pairs if own and read]
    for own, read in compared:
        if own != read:
            return f"it has the checksum {read}, the image has {own}"
    return None if compared else "its checksum could not be read back"
