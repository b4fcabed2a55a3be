"""The undo of an export change, as a script that stands beside the operation and needs nothing but the master.

It takes away exactly the addresses this change added, from whatever stands there by then: NIM, a parallel run or an
administrator may have changed the entry meanwhile. The text from before comes back only if the entry vanished.
An entry that cannot be understood is left alone and reported as foreign.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from enum import IntEnum

from nimwrap.aix import exportfs

# A list is put together again from all its parts, empty ones as well: IPv6 addresses have colons of their own, and NIM
# ends its lists with one. Options may come in several sections (sec=...), so a list is told by its key and its number.
# A list that runs empty must never be dropped from the options: without access= the directory would be open to
# everybody. root= only adds rights, so dropping an empty one is safe. A host that stood in a list before is not ours
# there, even if it was added to another list; nor is one in ro=, to which nimwrap never adds. A listing may leave out
# the dash, and an entry without options lists nobody.
_SUBTRACT = r"""
function each(text, keep,   option, at, key, listed, i, j, n, h, left, parts, number) {
  n = split(text, option, ","); text = ""
  for (i = 1; i <= n; i++) {
    at = index(option[i], "="); key = at ? substr(option[i], 1, at - 1) : option[i]
    if (at && (key == "access" || key == "root" || key == "rw")) {
      left = ""; parts = 0; number[key]++; h = split(substr(option[i], at + 1), listed, ":")
      for (j = 1; j <= h; j++)
        if (keep) had[key, number[key], listed[j]] = 1
        else if ((listed[j] in ours) && !((key, number[key], listed[j]) in had)) touched = 1
        else left = (parts++ ? left ":" : "") listed[j]
      if (!keep && left ~ /^:?$/) { if (key != "root") emptied = 1; continue }
      option[i] = key "=" left
    }
    text = text == "" ? option[i] : text "," option[i]
  }
  return text
}
{ if (NF > 2) { print "foreign"; exit }
  m = split(added, host, ":"); for (i = 1; i <= m; i++) ours[host[i]] = 1
  touched = 0; emptied = 0; options = $2; sub(/^-/, "", options)
  each(before, 1); text = each(options, 0)
  if (!touched) print "keep"
  else if (emptied) print "unexport"
  else print "set " text
  exit
}
"""


UNDONE = "reverted"
"""The last word of an undo that has read the export, and found nothing of the change in it."""


class UndoStatus(IntEnum):
    """The exit status of the undo script."""

    REVERTED = 0
    FOREIGN = 3
    NOT_REVERTED = 4


def restore_command(directory: str, before: str | None) -> str:
    """What brings the entry back as it was, where nobody has changed it since."""
    restored = exportfs.export_argv(directory, before) if before else exportfs.unexport_argv(directory)
    return shlex.join(restored)


def undo_script(directory: str, added: Sequence[str], before: str | None, applied: str = "") -> str:
    """The script that undoes one change. ``before``: the options the entry had (``-rw,access=...``), None for no entry.

    ``applied``: the options as exportfs showed them after the change; without it the file of that name beside the
    script says so, if there is one. It may run any number of times; its last line says what it did, its exit status is
    an :class:`UndoStatus`.
    """
    return f"""\
LC_ALL=C; export LC_ALL
PATH=/usr/bin:/usr/sbin:/etc:/sbin:/bin; export PATH
directory={shlex.quote(directory)}
added={shlex.quote(":".join(added))}
before={shlex.quote((before or "").removeprefix("-"))}
entry() {{ /usr/sbin/exportfs | awk -v d="$directory" '$1 == d {{ print; exit }}'; }}
subtract() {{ awk -v added="$added" -v before="$before" {shlex.quote(_SUBTRACT)}; }}
# True for an entry that is still word for word what exportfs showed after the change, where there was none before.
applied={shlex.quote(applied)}
[ -n "$applied" ] || applied=$(cat "${{0%/*}}/applied" 2>/dev/null)
unchanged() {{
  [ -z "$before" ] && [ -n "$applied" ] && [ "$(echo "$now" | awk '{{ print $2 }}')" = "$applied" ]
}}
restore() {{ {restore_command(directory, before)}; }}
now=$(entry)
if [ "$(/usr/sbin/exportfs | awk -v d="$directory" '$1 == d {{ n++ }} END {{ print n + 0 }}')" -gt 1 ]; then
  echo "foreign: $directory is listed more than once"; exit {UndoStatus.FOREIGN}
fi
if [ -z "$now" ]; then
  if [ -n "$before" ]; then restore; fi
elif unchanged; then restore
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
  if [ -z "$before" ]; then echo {UNDONE}; exit {UndoStatus.REVERTED}; fi
elif ! unchanged && [ "$(echo "$now" | subtract)" = keep ]; then echo {UNDONE}; exit {UndoStatus.REVERTED}
fi
echo "not reverted: $now"; exit {UndoStatus.NOT_REVERTED}
"""
