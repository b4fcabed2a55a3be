"""Kind ``command``: a program of the site's own on the master stores the image; its words reach no shell unquoted.

What is stored has its name at once, so nothing but its check tells whether it is whole.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from datetime import timedelta

from nimwrap.copies.base import CopyOrder
from nimwrap.copies.checksum_text import SUMS
from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.locks.lock_scripts import MARK

_HOLE = re.compile(r"\{([a-z]+)\}")
_CHECKSUM = "{checksum}"


class CommandCopy:
    name = "command"
    looks = False

    def location(self, order: CopyOrder) -> str:
        return f"{order.row.client}/{order.name}"

    def make(self, order: CopyOrder) -> str:
        """The image's own checksums first, also for the program; nothing but what was proven is stored."""
        file, crc = shlex.quote(order.row.location), shlex.quote(order.known.crc)
        return f"""\
{SUMS}sums {file} > own.out || {{ cat own.out; exit 1; }}
cat own.out
crc=$(awk '$2 == "cksum" {{ print $3, $4 }}' own.out)
[ -z {crc} ] || [ "$crc" = {crc} ] || {{ echo "the image has the checksum $crc, it was proven with "{crc}; exit 1; }}
sum=$(awk '$2 == "sha256" {{ print $3 }}' own.out)
[ -n "$sum" ] || sum=${{crc%% *}}
{_told(_call(order, order.place.store))}"""

    def look(self, order: CopyOrder) -> str:
        return ":\n"

    def check(self, order: CopyOrder, *, draft: bool) -> str:
        """A check that is given the checksum proves by its status; any other must print it as a word of its own."""
        proven = f"{MARK}sha256 {order.known.sha256}" if order.known.sha256 else f"{MARK}cksum {order.known.crc}"
        compare = ""
        if not any(_CHECKSUM in word for word in order.place.check):
            compare = f"""\
awk -v sum="$sum" -v bytes={order.row.size_bytes} '
  {{ for (i = 1; i <= NF; i++) if (tolower($i) == sum && (length(sum) == 64 || $(i + 1) == bytes)) found = 1 }}
  END {{ exit !found }}' said.out || {{ echo "the checksum $sum is not in what the check says"; exit 1; }}
"""
        call = _told(_call(order, order.place.check))
        return f"sum={shlex.quote(order.known.word)}\n{call}{compare}echo {shlex.quote(proven)}\n"

    def publish(self, order: CopyOrder, *, replacing: bool) -> str:
        return ":\n"

    def abandon(self, order: CopyOrder) -> str:
        return ":\n"

    def remove(self, order: CopyOrder) -> str:
        return f"sum={shlex.quote(order.known.word)}\n{_call(order, order.place.remove)}\n"


def _told(call: str) -> str:
    """The call, what it says apart from our own lines, and the end where it fails."""
    return f"{call} > said.out 2>&1; status=$?\ntail -20 said.out | sed 's/^/> /'\n[ $status -eq 0 ] || exit $status\n"


def _call(order: CopyOrder, words: Sequence[str]) -> str:
    values = {
        "file": order.row.location,
        "client": order.row.client,
        "name": order.name,
        "size": str(order.row.size_bytes),
        "until": rfc3339(parse_rfc3339(order.row.created) + timedelta(seconds=order.place.max_age)),
    }
    return " ".join(_quoted(word, values) for word in words)


def _quoted(word: str, values: dict[str, str]) -> str:
    """One word for the shell: all that it holds as text, but the checksum, which stands in ``sum``."""
    filled = _HOLE.sub(lambda hole: values.get(hole[1], hole[0]), word)
    return '"$sum"'.join(shlex.quote(part) if part else "" for part in filled.split(_CHECKSUM)) or "''"


KIND = CommandCopy()
