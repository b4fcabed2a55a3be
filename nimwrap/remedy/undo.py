"""The undo of an export change, as a script that stands beside the operation and needs nothing but the master.

It takes away exactly the addresses this change added, from whatever stands there by then: NIM, a parallel run or an
administrator may have changed the entry meanwhile. The text from before comes back only if the entry vanished.
An entry that cannot be understood is left alone and reported as foreign.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from enum import IntEnum

# A list that runs empty must never be dropped from the options: without access= the directory would be open to
# everybody. root= only adds rights, so dropping an empty one is safe.
_SUBTRACT = r"""
{ if (NF != 2 || substr($2, 1, 1) != "-") { print "foreign"; exit }
  n = split(substr($2, 2), option, ","); m = split(added, host, ":")
  for (i = 1; i <= m; i++) ours[host[i]] = 1
  text = ""; touched = 0; emptied = 0
  for (i = 1; i <= n; i++) {
    at = index(option[i], "="); key = at ? substr(option[i], 1, at - 1) : option[i]
    if (at && (key == "access" || key == "root" || key == "rw" || key == "ro")) {
      left = ""; h = split(substr(option[i], at + 1), listed, ":")
      for (j = 1; j <= h; j++)
        if (listed[j] in ours) touched = 1
        else left = left == "" ? listed[j] : left ":" listed[j]
      if (left == "") { if (key != "root") emptied = 1; continue }
      option[i] = key "=" left
    }
    text = text == "" ? option[i] : text "," option[i]
  }
  if (!touched) print "keep"
  else if (emptied) print "unexport"
  else print "set " text
  exit
}
"""


class UndoStatus(IntEnum):
    """The exit status of the undo script."""

    REVERTED = 0
    FOREIGN = 3
    NOT_REVERTED = 4


def undo_script(directory: str, added: Sequence[str], before: str | None) -> str:
    """The script that undoes one change. ``before``: the options the entry had (``-rw,access=...``), None for no entry.

    It may run any number of times; its last line says what it did, its exit status is an :class:`UndoStatus`.
    """
    return f"""\
LC_ALL=C; export LC_ALL
PATH=/usr/bin:/usr/sbin:/etc:/sbin:/bin; export PATH
directory={shlex.quote(directory)}
added={shlex.quote(":".join(added))}
before={shlex.quote((before or "").removeprefix("-"))}
entry() {{ /usr/sbin/exportfs | awk -v d="$directory" '$1 == d {{ print; exit }}'; }}
subtract() {{ awk -v added="$added" {shlex.quote(_SUBTRACT)}; }}
restore() {{
  if [ -n "$before" ]; then /usr/sbin/exportfs -i -o "$before" "$directory"
  else /usr/sbin/exportfs -u "$directory"; fi
}}
now=$(entry)
if [ -z "$now" ]; then
  if [ -n "$before" ]; then restore; fi
else
  todo=$(echo "$now" | subtract)
  case $todo in
    keep) ;;
    unexport) restore ;;
    "set "*) /usr/sbin/exportfs -i -o "${{todo#set }}" "$directory" ;;
    *) echo "foreign: $now"; exit {UndoStatus.FOREIGN} ;;
  esac
fi
now=$(entry)
if [ -z "$now" ]; then
  if [ -z "$before" ]; then echo reverted; exit {UndoStatus.REVERTED}; fi
elif [ "$(echo "$now" | subtract)" = keep ]; then echo reverted; exit {UndoStatus.REVERTED}
fi
echo "not reverted: $now"; exit {UndoStatus.NOT_REVERTED}
"""
