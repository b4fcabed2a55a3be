"""The names in an image by ``restore -T`` (aix-nim section 8), short enough on their way for hundreds of thousands."""

from __future__ import annotations

import shlex

from nimwrap.aix import listvgbackup, restore
from nimwrap.aix.text import Unrecognised

_SHORTEN = r"""awk '
  /^x?[ ]*\.?\// {
    sub(/^x[ ]*/, ""); n++
    at = match($0, /[^\/]*$/); directory = substr($0, 1, at - 1)
    if (directory == last) print "=" substr($0, at); else print "+" $0
    last = directory; next
  }
  /^nw_rc=/ { print; next }
  { print "?" $0 }
  END { print "nw_files=" n + 0 }'"""
"""A name in the directory of the one before it is only its last part."""


def shell(path: str) -> str:
    """Reads the image to its end; ``listvgbackup`` does where there is no ``restore``."""
    instead = shlex.join(listvgbackup.argv(path))
    return (
        f"( {shlex.join(restore.argv(path))} </dev/null; nw_rc=$?; "
        f"if [ $nw_rc -eq 127 ]; then {instead} </dev/null; nw_rc=$?; fi; echo nw_rc=$nw_rc ) 2>&1 | {_SHORTEN}"
    )


def parse(text: str) -> list[str]:
    """The names in their order; Unrecognised, with what was said beside them, when they are not all there."""
    names: list[str] = []
    told: dict[str, str] = {}
    said: list[str] = []
    directory = ""
    for line in text.splitlines():
        mark, rest = line[:1], line[1:]
        if mark == "+":
            directory = rest[: rest.rfind("/") + 1]
            names.append(rest)
        elif mark == "=":
            names.append(directory + rest)
        elif mark == "?":
            said.append(rest)
        elif "=" in line:
            key, _, value = line.partition("=")
            told[key] = value.strip()
    if told.get("nw_rc") != "0" or told.get("nw_files") != str(len(names)) or not names:
        raise Unrecognised("restore -T", "\n".join(said) or text[-400:])
    return names
