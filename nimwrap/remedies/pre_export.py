"""Remedy ``pre-export``: the client's own image directory is exported to both addresses before NIM's operation.

What NIM does with an export that it finds is not known (aix-nim section 10); it is tried, and judged by the image.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.remedies.own_mount import EXPORT_FAILED


def command_text(directory: str, before: str | None, after: str, added: Sequence[str], nim: str) -> str:
    """The operation's ``command``: widen the export if it still is what it was, then NIM's own operation ``nim``.

    That the export took is judged by the hosts it lists; exportfs may write the other options its own way.
    """
    path = shlex.quote(directory)
    return f"""\
{PREAMBLE}entry() {{ /usr/sbin/exportfs | awk -v d={path} '$1 == d {{ print $2; exit }}'; }}
now=$(entry)
if [ "${{now#-}}" != {shlex.quote(before or "")} ]; then
  echo "the export of {directory} changed meanwhile: $now"; exit {EXPORT_FAILED}
fi
/usr/sbin/exportfs -i -o {shlex.quote(after)} {path} || exit {EXPORT_FAILED}
now=$(entry)
for host in {" ".join(shlex.quote(host) for host in added)}; do
  echo "$now" | tr ',:=' '\\n\\n\\n' | grep -Fx "$host" > /dev/null \
    || {{ echo "exportfs does not list $host after exporting {directory}: $now"; exit {EXPORT_FAILED}; }}
done
echo "$now" > applied
{nim}
"""
