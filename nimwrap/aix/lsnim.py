"""``lsnim``: what NIM's database says about machines and resources (aix-nim sections 2.4, 2.7 and 7)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from nimwrap.aix.text import Unrecognised, lines

LSNIM = "/usr/sbin/lsnim"
MKSYSB = "mksysb"
"""NIM's type of the resource that is the image of an AIX client's rootvg."""
MASTER = "master"  # what every master calls itself
READY = "ready for "
"""Documented is "ready for a NIM operation" (section 2.7), and no text for "busy": that is all else."""
CLASSES = frozenset({"machines", "resources", "networks", "management", "groups", "customers"})

_FREE_TEXT = frozenset({"err_info", "info", "comments"})  # what may hold a message of several lines
_HEADER = re.compile(r"(\S+):\s*")
_ATTRIBUTE = re.compile(r"\s*([A-Za-z]\w*)\s*=(?:\s+(.*))?")
_MESSAGE = re.compile(r"\s*(?:warning:\s*)*\d{4}-\d{3}\s")
_INTERFACE = re.compile(r"if(\d{1,4})")
_NAME = re.compile(r"[^\s:;/\"']+")
_TYPE = re.compile(r"[a-z][a-z0-9_]*")

# An object begins as it does for parse_long: a line "NAME:" with an attribute on the next line that is not empty. ARGC
# is what tells every awk that the words are no files: some read nothing where they are only emptied.
_ABOUT = r"""
BEGIN {
  few = ARGV[1] + 0
  for (i = 2; i < ARGC; i++) { if (i < few + 2) wanted[ARGV[i]] = 1; else mention[ARGV[i]] = 1 }
  ARGC = 1
}
NF == 0 { next }
/^nw_status [0-9]+$/ { status = $2; next }
{ line[++n] = $0 }
/^[ \t]*[A-Za-z][A-Za-z0-9_]*[ \t]*=([ \t\r]|$)/ && line[n - 1] ~ /^[^ \t]+:[ \t\r]*$/ {
  name = line[n - 1]; sub(/:[ \t\r]*$/, "", name)
  first[++object] = n - 1
  if (name in wanted) { keep[object] = 1; if (!(name in seen)) { seen[name] = 1; found++ } }
}
{ for (word in mention) if (index($0, word)) keep[object] = 1 }
END {
  first[0] = 1; first[object + 1] = n + 1
  for (o = 0; o <= object; o++) if (o in keep || found < few) for (i = first[o]; i < first[o + 1]; i++) print line[i]
  exit status
}
"""


@dataclass(frozen=True)
class NimInterface:
    """One ``ifN`` line. ``mac`` is ``0`` where unknown; ``adapter`` may be empty."""

    network: str
    host: str
    mac: str = ""
    adapter: str = ""


@dataclass(frozen=True)
class NimObject:
    """One object of ``lsnim -l``. An attribute that stands on several lines has several values."""

    name: str
    attributes: dict[str, tuple[str, ...]]

    def first(self, attribute: str) -> str | None:
        """The first value of ``attribute``, None where the object lacks it."""
        values = self.attributes.get(attribute)
        return values[0] if values else None

    @property
    def type(self) -> str:
        return self.first("type") or ""

    @property
    def class_(self) -> str:
        return self.first("class") or ""

    @property
    def cstate(self) -> str | None:
        return self.first("Cstate")

    @property
    def ready(self) -> bool:
        """True where NIM says that it is ready for something."""
        return is_ready(self.cstate)

    @property
    def interfaces(self) -> tuple[NimInterface, ...]:
        """``if1``, ``if2``, ... in numeric order."""
        numbered = [
            (int(match[1]), value)
            for attribute, values in self.attributes.items()
            if (match := _INTERFACE.fullmatch(attribute))
            for value in values
        ]
        words = [value.split() for _, value in sorted(numbered)]
        return tuple(NimInterface(*[*fields, "", ""][:4]) for fields in words if len(fields) >= 2)


@dataclass(frozen=True)
class TableRow:
    """One row of plain ``lsnim``. ``class_`` is empty in the two-column form (``-c resources CLIENT``)."""

    name: str
    class_: str
    type: str


def is_ready(cstate: str | None) -> bool:
    """True for a Cstate of readiness; False for any other, and for none."""
    return " ".join((cstate or "").lower().split()).startswith(READY)


def long_argv(name: str | None = None, type_: str | None = None) -> list[str]:
    """``lsnim -l`` of one object, of all of a type, or of everything."""
    return [LSNIM, *(["-t", type_] if type_ else []), "-l", *([name] if name else [])]


def listing(*types: str) -> str:
    """Shell text: everything; on a level whose ``lsnim -l`` wants a name or type, the objects of ``types``."""
    by_type = shlex.join(long_argv(type_="TYPE")).replace("TYPE", "$t")
    return f"{shlex.join(long_argv())} || for t in {shlex.join(types)}; do {by_type}; done"


def table_argv(name: str | None = None, class_: str | None = None, type_: str | None = None) -> list[str]:
    """Plain ``lsnim``. With ``class_`` "resources" and a client's name: what is allocated to it."""
    return [LSNIM, *(["-c", class_] if class_ else []), *(["-t", type_] if type_ else []), *([name] if name else [])]


def parse_long(text: str) -> dict[str, NimObject]:
    """All objects by name. Lost indentation and values over several lines (``err_info``) are understood."""
    found: dict[str, dict[str, list[str]]] = {}
    current: dict[str, list[str]] | None = None
    last: list[str] | None = None
    rows = [line for line in lines(text) if line.strip()]
    for line, following in zip(rows, [*rows[1:], ""], strict=False):
        header = _HEADER.fullmatch(line)
        if header and _ATTRIBUTE.fullmatch(following):
            current, last = found.setdefault(header[1], {}), None
            continue
        attribute = _ATTRIBUTE.fullmatch(line)
        if attribute and current is not None:
            values = current.setdefault(attribute[1], [])
            values.append((attribute[2] or "").rstrip())
            last = values if attribute[1] in _FREE_TEXT else None
        elif last and not _MESSAGE.match(line):
            last[-1] = f"{last[-1]} {line.strip()}".strip()
    if not found:
        raise Unrecognised("lsnim -l", text)
    return {
        name: NimObject(name, {key: tuple(values) for key, values in attributes.items()})
        for name, attributes in found.items()
    }


def about(whole: str, names: Sequence[str], mention: Sequence[str]) -> str:
    """Shell text: of the output of the shell text ``whole``, what stands there of ``names`` and of every object that
    mentions one of ``mention``; all of it where one of ``names`` is not listed. Its status is that of ``whole``.

    A run needs the listing of all clients and images again and again, and is about one of them: so it is picked out on
    the master, and the rest is neither sent nor read. The words reach awk as arguments, which it takes as they stand.
    """
    pick = shlex.join(["awk", _ABOUT, str(len(names)), *names, *mention])
    status = "nw_k=$?; [ $nw_k -le 255 ] || nw_k=$((nw_k-128))"  # ksh93 counts signals from 256
    return f"{{ {whole}; {status}; echo; echo nw_status $nw_k; }} 2>&1 | {pick}"


def parse_table(text: str) -> list[TableRow]:
    """The rows of plain ``lsnim`` in order; also its two-column form. Message lines beside rows are passed over."""
    rows = []
    for line in lines(text):
        words = line.split()
        if not words or _MESSAGE.match(line):
            continue
        if not 2 <= len(words) <= 3 or not _NAME.fullmatch(words[0]) or not _TYPE.fullmatch(words[-1]):
            raise Unrecognised("lsnim", text)
        if len(words) == 3 and words[1] not in CLASSES:
            raise Unrecognised("lsnim", text)
        rows.append(TableRow(words[0], words[1] if len(words) == 3 else "", words[-1]))
    if not rows:
        raise Unrecognised("lsnim", text)
    return rows


def no_such_object(text: str) -> bool:
    """True when NIM says that it does not know the object (0042-053, aix-nim section 6.2)."""
    return "0042-053" in text
