"""Kind ``command``: a program of the site's own on the master stores the image; its words reach no shell unquoted.

What is stored has its name at once, so nothing but its check tells whether it is whole.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from datetime import timedelta

from nimwrap.config.model import MasterConfig
from nimwrap.copies.base import CopyOrder
from nimwrap.copies.checksum_text import SUMS
from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.locks.lock_scripts import MARK

_HOLE = re.compile(r"\{([a-z]+)\}")
_CHECKSUM = "{checksum}"


class CommandCopy:
    name = "command"
    here = False
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
{_kit(order)}{_told(_call(order, order.place.store))}"""

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

    def adopt(self, order: CopyOrder) -> str:
        return ":\n"

    def write(self, far: MasterConfig | None, files: Mapping[str, str]) -> str:
        return ":\n"

    def fetch(self, order: CopyOrder) -> str:
        words = _words(order, order.place.fetch, order.name, order.row.size_bytes)
        file, known = shlex.quote(order.row.location), shlex.quote(order.known.word)
        return words.replace(_SHELL["file"], file).replace(_SHELL["checksum"], known)

    def abandon(self, order: CopyOrder) -> str:
        return ":\n"

    def remove(self, order: CopyOrder) -> str:
        """What was stored beside the image goes first, whether or not it can."""
        beside = "".join(f"{_words(order, order.place.remove, name, 0)} > /dev/null 2>&1\n" for name in order.kit)
        return f"sum={shlex.quote(order.known.word)}\nfile=\n{beside}{_call(order, order.place.remove)}\n"


def _told(call: str) -> str:
    """The call, what it says apart from our own lines, and the end where it fails."""
    return f"{call} > said.out 2>&1; status=$?\ntail -20 said.out | sed 's/^/> /'\n[ $status -eq 0 ] || exit $status\n"


def _kit(order: CopyOrder) -> str:
    """Stores what goes with the image before it, so that nothing comes after it that could go wrong."""
    lines = []
    for name, text in order.kit.items():
        lines.append(f"cat > {shlex.quote(name)} <<'NIMWRAP_KIT'\n{text}NIMWRAP_KIT\nfile=$(pwd)/{shlex.quote(name)}\n")
        lines.append('image=$sum; sums "$file" > kit.out || exit 1\n')
        lines.append("sum=$(awk '$2 == \"sha256\" { print $3 }' kit.out)\n")
        lines.append('[ -n "$sum" ] || sum=$(awk \'$2 == "cksum" { print $3 }\' kit.out)\n')
        lines.append(_told(_words(order, order.place.store, name, len(text.encode()))) + "sum=$image\n")
    return "".join(lines)


def _call(order: CopyOrder, words: Sequence[str]) -> str:
    """The call for the image itself."""
    return f"file={shlex.quote(order.row.location)}\n{_words(order, words, order.name, order.row.size_bytes)}"


def _words(order: CopyOrder, words: Sequence[str], name: str, size: int) -> str:
    values = {
        "client": order.row.client,
        "name": name,
        "size": str(size),
        "until": rfc3339(parse_rfc3339(order.row.created) + timedelta(seconds=order.place.max_age)),
    }
    return " ".join(_quoted(word, values) for word in words)


_SHELL = {"checksum": '"$sum"', "file": '"$file"'}
"""What stands in variables of the job."""


def _quoted(word: str, values: Mapping[str, str]) -> str:
    """One word for the shell: all that it holds as text, but what stands in a variable."""
    parts = _HOLE.split(word)
    told = [shlex.quote(part) if part else "" for part in parts]
    for number in range(1, len(parts), 2):
        hole = parts[number]
        told[number] = _SHELL.get(hole) or shlex.quote(values.get(hole, f"{{{hole}}}"))
    return "".join(told) or "''"


KIND = CommandCopy()
