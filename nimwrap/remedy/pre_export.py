"""Remedy ``pre-export``: the client's own image directory is exported to both addresses before NIM's operation.

What NIM does with an export that it finds is not known (aix-nim section 10); it is tried, and judged by the image alone.
"""

from __future__ import annotations

import shlex

from nimwrap.hosts.questions import PREAMBLE
from nimwrap.remedy.own_mount import EXPORT_FAILED


def command_text(directory: str, before: str | None, after: str, nim: str) -> str:
    """The operation's ``command``: widen the export if it still is what it was, then NIM's own operation ``nim``."""
    path = shlex.quote(directory)
    return f"""\
{PREAMBLE}entry() {{ /usr/sbin/exportfs | awk -v d={path} '$1 == d {{ print $2; exit }}'; }}
now=$(entry)
if [ "${{now#-}}" != {shlex.quote(before or "")} ]; then
  echo "the export of {directory} changed meanwhile: $now"; exit {EXPORT_FAILED}
fi
/usr/sbin/exportfs -i -o {shlex.quote(after)} {path} || exit {EXPORT_FAILED}
now=$(entry)
[ "${{now#-}}" = {shlex.quote(after)} ] || {{ echo "exportfs lists other options than given: $now"; exit {EXPORT_FAILED}; }}
echo "$now" > applied
{nim}
"""
