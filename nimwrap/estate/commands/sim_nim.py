"""/usr/sbin/nim -o OPERATION [-F] [-t TYPE] [-a ATTR=VALUE]... NAME: what backups and restore plans use."""

from __future__ import annotations

from nimwrap.estate import nimoperations
from nimwrap.estate.machine import Machine
from nimwrap.estate.nimerror import NimError

_READING = ("check", "showres", "lslpp", "showlog")


def changes(_command: str, args: list[str]) -> bool:
    """Everything but the reading operations; ``size_preview`` is a ``define`` too."""
    return _parse(args).operation not in _READING


def main(me: Machine, args: list[str]) -> int:
    """The exit status is the number of the fatal message (reference aix-nim section 6.1)."""
    line = _parse(args)
    operation = nimoperations.OPERATIONS.get(line.operation)
    if operation is None:
        me.err(
            "usage:\n        nim -o <operation> [-F] [-t <type>] [ -S <YYMMDDhhmm> ] \n"
            "        [-a <attr=value>]... <object name>\n"
        )
        return 1
    try:
        operation(me, line)
    except NimError as error:
        me.err(error.text)
        return error.code
    return 0


def _parse(args: list[str]) -> nimoperations.NimCall:
    line, rest = nimoperations.NimCall(), list(args)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            line.name = word
            continue
        for at, letter in enumerate(word[1:], 1):
            if letter == "F":
                line.force = True
                continue
            value = word[at + 1 :] or (rest.pop(0) if rest else "")
            if letter == "o":
                line.operation = value
            elif letter == "t":
                line.type = value
            elif letter == "a":
                key, _, text = value.partition("=")
                line.attributes[key] = text
            break
    return line
