"""/usr/sbin/lsnim in the forms of aix-nim section 7: table, ``-l``, ``-t``, ``-c``, ``-a``, ``-Z``, ``-q``."""

from __future__ import annotations

from nimwrap.estate import nimdb
from nimwrap.estate.machine import Machine
from nimwrap.estate.nimdb import NimObject, Objects
from nimwrap.estate.nimerror import no_object

_QUERY = """
the following attributes are required:
\t-a server=<value>
\t-a location=<value>

the following attributes are optional:
\t-a mk_image=<value>
\t-a mksysb_flags=<value>
\t-a exclude_files=<value>
\t-a size_preview=<value>
\t-a source=<value>
\t-a comments=<value>
\t-a nfs_vers=<value>
\t-a verbose=<value>
"""


class _Line:
    """The parsed command line."""

    def __init__(self) -> None:
        self.long = self.colons = False
        self.type = self.class_ = self.query = ""
        self.attributes: list[str] = []
        self.names: list[str] = []


def main(me: Machine, args: list[str]) -> int:
    """Unknown objects go to stderr as 0042-053, the known ones are still listed."""
    line = _parse(args)
    if line.query:
        me.out(_QUERY)
        return 0
    found, status = _select(me, line)
    if line.long or line.attributes:
        me.out(_colons(found, line.attributes) if line.colons else _long(found, line.attributes))
    else:
        me.out(_table(found))
    return status


def _parse(args: list[str]) -> _Line:
    line, rest = _Line(), list(args)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-"):
            line.names.append(word)
            continue
        for at, letter in enumerate(word[1:], 1):
            if letter in "lZgLmF":
                line.long |= letter == "l"
                line.colons |= letter == "Z"
                continue
            value = word[at + 1 :] or (rest.pop(0) if rest else "")
            if letter == "t":
                line.type = value
            elif letter == "c":
                line.class_ = value
            elif letter == "a":
                line.attributes.append(value)
            elif letter == "q":
                line.query = value
            break
    return line


def _select(me: Machine, line: _Line) -> tuple[Objects, int]:
    known, status = nimdb.objects(me), 0
    if line.class_ == "resources" and line.names and known.get(line.names[0], {}).get("class") == "machines":
        names = set(known[line.names[0]].values())
        return {name: one for name, one in known.items() if one["class"] == "resources" and name in names}, 0
    if line.names:
        chosen = {}
        for name in line.names:
            if name in known:
                chosen[name] = known[name]
            else:
                error = no_object(name, "lsnim")
                me.err(error.text)
                status = error.code
        known = chosen
    if line.type:
        known = {name: one for name, one in known.items() if one["type"] == line.type}
    if line.class_:
        known = {name: one for name, one in known.items() if one["class"] == line.class_}
    return known, status


def _table(found: Objects) -> str:
    """Name and class padded by 5 and 7 beyond the longest."""
    width = max((len(name) for name in found), default=0) + 5
    classes = max((len(one["class"]) for one in found.values()), default=0) + 7
    return "".join(f"{name:<{width}}{one['class']:<{classes}}{one['type']}\n" for name, one in found.items())


def _long(found: Objects, attributes: list[str]) -> str:
    return "".join(_stanza(name, one, attributes) for name, one in found.items())


def _stanza(name: str, one: NimObject, attributes: list[str]) -> str:
    shown = {key: value for key, value in one.items() if not attributes or key in attributes}
    width = max((len(key) for key in shown), default=0)
    return f"{name}:\n" + "".join(f"   {key:<{width}} = {value}\n" for key, value in shown.items())


def _colons(found: Objects, attributes: list[str]) -> str:
    """Absent attributes are dropped, so that fields shift: the real command's trap."""
    lines = ["#name:" + "".join(f"{key}:" for key in attributes)]
    for name, one in found.items():
        lines.append(f"{name}:" + "".join(f"{one[key]}:" for key in attributes if key in one))
    return "".join(f"{line}\n" for line in lines)
