"""Removing one image: journalled before, checked after, and safe to run again at any point.

``images.removal`` is ``planned`` from before the first command until the end is recorded. A crash in between, or a
database that cannot be written, leaves that word behind: with object and file gone the row follows at the next recover.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import PurePosixPath

from nimwrap.aix import lsnim, nim
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.names import is_nim_name, is_safe_path
from nimwrap.history.model import ImageRow
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images.kinds.registry import resource_types
from nimwrap.images.kit.kit_names import MARKER, manifest_path
from nimwrap.master_context import MasterContext

PLANNED = "planned"
REMOVED = "removed"


class Ending(StrEnum):
    REMOVED = "removed"
    FAILED = "failed"
    LEFT = "left"


class Begun(StrEnum):
    """How far a journalled removal came, as the master says."""

    NOT = "not begun"
    HALF = "half done"
    WHOLE = "done"
    UNKNOWN = "nobody knows"


@dataclass(frozen=True)
class Removal:
    """What came of it. ``left``: somebody uses the image, or something else stands there; nothing was touched."""

    ending: Ending
    reason: str


_LOOK = r"""
look() {{
  {lsnim} 2>&1 | awk -v name={name}: '
    $1 == name {{ known = 1 }}
    $1 == "location" {{ place = $3 }}
    $1 == "alloc_count" {{ users = $3 }}
    /0042-053/ {{ gone = 1 }}
    END {{ if (known) print "known", place, users + 0; else if (gone) print "gone"; else print "unclear" }}'
}}
"""

_RESOURCE = r"""
set -- $(look)
if [ "$1" = unclear ]; then echo 'lsnim does not say whether the resource is there'; exit {left}; fi
if [ "$1" = known ] && [ "$2" != {location} ]; then echo "the resource is defined at $2"; exit {left}; fi
if [ "$1" = known ] && [ "$3" != 0 ]; then echo "NIM serves it to $3 machines"; exit {left}; fi
if [ "$1" = known ]; then
  {remove} 2>&1
  set -- $(look)
  [ "$1" = gone ] || {{ echo 'the resource is still defined'; exit {failed}; }}
fi
"""

_SAME = r"""
inode() {{ ls -id "$1" 2>/dev/null | awk '{{ print $1 }}'; }}
device() {{ df -Pk "$1" 2>/dev/null | awk 'END {{ print $1 }}'; }}
places() {{
  for type in {types}; do {resources}; done 2>/dev/null | awk '$1 == "location" {{ print $3 }}'
  cat <<'NW_IMAGES'
{images}
NW_IMAGES
}}
mine=
if [ -f {location} ]; then
  if [ -h {location} ]; then echo 'a link lies there: it is another one'; exit {left}; fi
  set -- $(ls -ild {location}); mine=$1; links=$3; bytes=$6
  [ "$bytes" = {size} ] || {{ echo "the file there has $bytes bytes, not {size}: it is another one"; exit {left}; }}
  [ "$mine" = {inode} ] || {{ echo "the file there has inode $mine, not {inode}: it is another one"; exit {left}; }}
  if [ "$links" != 1 ]; then
    own=$(device {location})
    for other in $(places | sort -u | grep -Fvx -e {location} | xargs ls -id 2>/dev/null \
      | awk -v mine="$mine" '$1 == mine {{ print $2 }}'); do
      [ "$(device "$other")" = "$own" ] && {{ echo "$other is the same file"; exit {left}; }}
    done
  fi
  other=$(for type in {types}; do {resources}; done 2>/dev/null | awk -v place={location} -v own={resource}: '
    /^[^ ]+:$/ {{ name = $1 }} $1 == "location" && $3 == place && name != own {{ print name }}')
  if [ -n "$other" ]; then echo "the file belongs to the resource $other"; exit {left}; fi
  if [ -x /usr/sbin/fuser ]; then
    set -- $(/usr/sbin/fuser {location} 2>/dev/null)
    if [ $# -gt 0 ]; then echo "somebody has it open: $*"; exit {left}; fi
  fi
fi
"""

_FILE = r"""
if [ -f {location} ]; then
  [ "$(inode {location})" = "$mine" ] || {{ echo 'another file took its place'; exit {left}; }}
  rm -f {location} 2>&1
fi
if [ -f {location} ]; then echo 'the file is still there'; exit {failed}; fi
if [ -f {manifest} ] && grep {marker} {manifest} > /dev/null; then rm -f {manifest}; fi
{own_directory}echo gone
"""

_FAILED, _LEFT = 21, 22


def removal_script(row: ImageRow, images: Iterable[str] = ()) -> str:
    """Removes the resource with its file, checks both, and removes a file that was left; status 0 when both are gone.

    Nothing is touched when the file is not the one recorded (inode and size), is open, or is by another name one of
    ``images`` or of another resource; nor when the object points elsewhere or NIM serves it to somebody (aix-nim
    sections 2.5 and 3.1).
    """
    words = {"location": shlex.quote(row.location), "failed": _FAILED, "left": _LEFT}
    text = PREAMBLE + _SAME.format(
        size=row.size_bytes,
        inode=shlex.quote(row.inode) if row.inode else '"$mine"',
        types=shlex.join(resource_types()),
        resources=shlex.join(lsnim.long_argv(type_="TYPE")).replace("TYPE", '"$type"'),
        images="\n".join(sorted({place for place in images if is_safe_path(place)} - {row.location})),
        resource=shlex.quote(row.resource or "none"),
        **words,
    )
    if row.resource:
        text += _look(row.resource)
        text += _RESOURCE.format(remove=shlex.join(nim.remove(row.resource, rm_image=True)), **words)
    parent = PurePosixPath(row.location).parent
    # NIM_MKSYSB_SUBDIRS gives each image a directory of its own, called like it
    own = f"rmdir {shlex.quote(str(parent))} 2>/dev/null\n" if parent.name == row.resource else ""
    beside = {"manifest": shlex.quote(manifest_path(row.location)), "marker": MARKER}
    return text + _FILE.format(own_directory=own, **beside, **words)


def _look(resource: str) -> str:
    return _LOOK.format(lsnim=shlex.join(lsnim.long_argv(resource)), name=shlex.quote(resource))


def begun(host: Host, row: ImageRow) -> Begun:
    """How far the removal of ``row`` came. A lost line, and an lsnim that does not know, tell nothing."""
    look = _look(row.resource) if row.resource else "look() { echo none; }\n"
    there = f"if [ -f {shlex.quote(row.location)} ]; then echo there; else echo gone; fi"
    result = host.run(f'{PREAMBLE}{look}set -- $(look)\necho "resource $1"\necho "file $({there})"\n')
    said = dict(line.split(maxsplit=1) for line in result.stdout.splitlines() if len(line.split(maxsplit=1)) == 2)
    resource, file = said.get("resource"), said.get("file")
    if result.unknown or result.failed or resource not in ("known", "gone", "none") or file not in ("there", "gone"):
        return Begun.UNKNOWN
    if resource == "none":  # there was never one, so the file alone tells
        return Begun.NOT if file == "there" else Begun.WHOLE
    both = {("known", "there"): Begun.NOT, ("gone", "gone"): Begun.WHOLE}
    return both.get((resource, file), Begun.HALF)


def remove_image(context: MasterContext, row: ImageRow, reason: str, now: datetime) -> Removal:
    """Journal the removal, do it, check it, record its end. StoreUnavailable before anything was done.

    ``row`` is as it was when the removal was decided: journalled is only what is still so, in one transaction.
    """
    store = context.store
    refused = unsafe(row)
    if refused:
        return Removal(Ending.LEFT, refused)
    if store.update_image_if(row, removal=PLANNED) is not None:
        return Removal(Ending.LEFT, "its row was changed since that was decided; it is decided anew")
    store.event(
        "prune",
        f"removing {row.resource or row.location}: {reason}",
        run=row.run,
        master=row.master,
        data={"image": row.id, "location": row.location},
        at=now,
    )
    return finish(context, row, now)


def finish(context: MasterContext, row: ImageRow, now: datetime) -> Removal:
    """Carry out a journalled removal. An end that cannot be recorded now follows at the next recover."""
    from nimwrap.history.history_errors import StoreUnavailable

    store = context.store
    images = [other.location for other in context.queries.images(row.master) if other.id != row.id]
    result = context.host.run(removal_script(row, images), timeout=600)
    says = (result.stdout + result.stderr).strip()
    if result.returncode is None:
        return Removal(Ending.FAILED, f"the connection was lost; the next recover finishes it: {says}")
    removal = Removal({0: Ending.REMOVED, _LEFT: Ending.LEFT}.get(result.returncode, Ending.FAILED), _last_line(says))
    try:
        if removal.ending is Ending.REMOVED:
            store.update_image(row.id, removal=REMOVED, removed=now)
        elif removal.ending is Ending.LEFT:
            store.update_image(row.id, removal=None)
        removed = Act("prune", ActName.REMOVE, row.resource or row.location)
        store.event(
            removed if removal.ending is Ending.REMOVED else "prune",
            f"{row.resource or row.location}: {removal.ending}",
            run=row.run,
            master=row.master,
            data={"image": row.id, "output": says[-4000:]},
            at=now,
        )
    except StoreUnavailable as fault:
        return Removal(removal.ending, f"{removal.reason}; its row follows at the next recover ({fault.message})")
    return removal


def unsafe(row: ImageRow) -> str | None:
    """Names from an old or foreign history are checked before they reach a shell."""
    if not is_safe_path(row.location):
        return f"{row.location!r} is not a plain path"
    if row.resource and not is_nim_name(row.resource):
        return f"{row.resource!r} is not a NIM name"
    return None


def _last_line(text: str) -> str:
    return text.splitlines()[-1] if text else ""
