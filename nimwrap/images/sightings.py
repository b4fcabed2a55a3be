"""Looking at the places of recorded images: in one question for all of a master, and written down at once.

Nothing is concluded from silence: a file is gone only where the directory that should hold it was listed without it.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import PurePosixPath

from nimwrap.aix import df, ls
from nimwrap.aix.text import Unrecognised
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Failure
from nimwrap.domain.names import is_safe_path
from nimwrap.domain.sighting import Difference, FileIdentity, Sighting, Sightings, difference
from nimwrap.history.model import ImageRow
from nimwrap.history.ports import History, Queries
from nimwrap.images.image_fault import SEEN, ImageFault, fault_columns
from nimwrap.images.mass_change import stop_after_mass_change

_GONE, _BUSY, _END = "nw gone ", "nw busy ", "nw looked"


def look_script(places: Iterable[str], spool: str) -> str:
    """Shell text that tells of each place what file stands there, or that nothing does; and which clients are worked
    on, asked before and after."""
    busy = f'for held in {shlex.quote(spool)}/locks/*; do [ -d "$held" ] && echo "{_BUSY}${{held##*/}}"; done'
    names = "\n".join(sorted({place for place in places if is_safe_path(place)}))
    return f"""\
nw_places() {{
cat <<'NW_PLACES'
{names}
NW_PLACES
}}
{busy}
nw_places | xargs {shlex.join(ls.identity_argv())} 2>/dev/null
nw_places | while read nw_place; do
  [ -f "$nw_place" ] && continue
  nw_above=$nw_place
  while nw_name=${{nw_above##*/}}; nw_above=${{nw_above%/*}}; nw_above=${{nw_above:-/}}; [ ! -d "$nw_above" ]; do
    :
  done
  nw_beside=$(ls -a "$nw_above" 2>/dev/null) || continue
  echo "$nw_beside" | grep -Fx -e "$nw_name" > /dev/null || echo "{_GONE}$nw_place"
done
nw_places | sed 's,/[^/]*$,,' | sort -u | while read nw_above; do [ -d "$nw_above" ] && echo "$nw_above"; done \
  | xargs df -Pk 2>/dev/null
{busy}
echo {_END}"""


def read_sightings(text: str) -> Sightings:
    """What :func:`look_script` told; nothing when it was not heard to its end, and nothing of what it left open."""
    lines = text.splitlines()
    if not lines or lines[-1].strip() != _END:
        return Sightings()
    found = {line.removeprefix(_GONE).strip(): Sighting(None) for line in lines if line.startswith(_GONE)}
    mounts = _mounts(text)
    for entry in _entries(text):
        file = FileIdentity(_device(mounts, entry.name), entry.inode, entry.size_bytes, entry.modified)
        found[entry.name] = Sighting(file, entry.regular)
    return Sightings(found, frozenset(line.removeprefix(_BUSY).strip() for line in lines if line.startswith(_BUSY)))


def _entries(text: str) -> list[ls.FileEntry]:
    try:
        return ls.parse(text)
    except Unrecognised:  # no file at all
        return []


def _mounts(text: str) -> list[df.Filesystem]:
    try:
        return df.parse(text)
    except Unrecognised:  # no directory either
        return []


def _device(mounts: Sequence[df.Filesystem], place: str) -> str:
    """The file system that holds ``place``, as df names it; empty when df did not say."""
    parents = {str(parent) for parent in PurePosixPath(place).parents}
    holding = [one for one in mounts if one.mounted_on in parents]
    return max(holding, key=lambda one: len(one.mounted_on)).device if holding else ""


def recorded_identity(row: ImageRow) -> FileIdentity:
    return FileIdentity(row.device or "", row.inode or "", row.size_bytes, row.modified or "")


def identity_columns(file: FileIdentity) -> dict[str, object]:
    """The columns of ``images`` by which a file is known again."""
    return {"device": file.device or None, "inode": file.inode or None, "modified": file.modified or None}


def noted(row: ImageRow, seen: Sighting, now: datetime) -> dict[str, object]:
    """The columns that change by what was seen.

    What is gone or no longer the same has a fault, which only the same file, or reading all of it, takes away. Another
    file under our name is a person's: it is not managed any more.
    """
    differs = difference(recorded_identity(row), seen)
    if differs is Difference.NONE:
        known = identity_columns(seen.file) if seen.file and None in (row.inode, row.device) else {}
        return {**known, **(fault_columns(None) if row.fault_level == SEEN else {})}
    found = ImageFault.found(_failure(row, seen, differs), SEEN)
    stands = ImageFault.of(row)
    if stands is not None and (stands.level != SEEN or stands.text == found.text):
        return {}
    return {**fault_columns(found, now), **({"managed": False} if differs is Difference.OTHER else {})}


def _failure(row: ImageRow, seen: Sighting, differs: Difference) -> Failure:
    proves = f"nimwrap images verify --full {row.client} tells whether it is the image all the same."
    place, file = row.location, seen.file
    if differs is Difference.GONE or file is None:
        return Failure(FailureCode.IMAGE_MISSING, f"{place} is gone; nimwrap did not remove it", "Make a new one.")
    if differs is Difference.OTHER:
        was = f"inode {file.inode}, {row.inode} was recorded" if seen.regular else "it is no plain file"
        return Failure(FailureCode.IMAGE_UNREADABLE, f"another file lies at {place} ({was})", proves)
    if differs is Difference.SIZE:
        code = FailureCode.IMAGE_TRUNCATED if file.size_bytes < row.size_bytes else FailureCode.IMAGE_UNREADABLE
        return Failure(code, f"{place} has {file.size_bytes} bytes, {row.size_bytes} were recorded", proves)
    why = f"{place} was written to since it was proven ({file.modified} UTC, {row.modified} was recorded)"
    return Failure(FailureCode.IMAGE_UNREADABLE, why, proves)


def as_seen(rows: Iterable[ImageRow], seen: Sightings, now: datetime) -> list[ImageRow]:
    """The rows as they stand once what was seen is written down."""
    return [_after(row, _noted(row, seen, now)) for row in rows]


def _noted(row: ImageRow, seen: Sightings, now: datetime) -> dict[str, object]:
    found = seen.of(row.client, row.location)
    return {} if found is None or row.removal is not None else noted(row, found, now)


def _after(row: ImageRow, values: dict[str, object]) -> ImageRow:
    stored = {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
    return ImageRow._make(stored.get(name, getattr(row, name)) for name in ImageRow._fields)


def write_down(store: History, queries: Queries, master: str, seen: Sightings, now: datetime) -> None:
    """Record what was seen of a master's images, and stop removals there after a mass change.

    An image that somebody else's write touched meanwhile is left to the next look.
    """
    rows = []
    for row in queries.images(master):
        values = _noted(row, seen, now)
        if values and store.update_image_if(row, **values) is None:
            if values.get("fault"):
                store.event("image", str(values["fault"]), run=row.run, master=master, data={"image": row.id}, at=now)
            rows.append(_after(row, values))
        else:
            rows.append(row)
    store.images_seen([row.id for row in rows if seen.of(row.client, row.location)], now)
    stop_after_mass_change(store, queries, master, rows, now)
