"""What is in an image: its names, read once from the image and kept in the state directory, and its filesets."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nimwrap.aix import image_filesets, image_names
from nimwrap.aix.text import Unrecognised
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.history.model import ImageRow
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import Question
from nimwrap.images.image_probe import HEADER_LIMIT_S, ask
from nimwrap.images.kept_lists import keep_list, kept_list
from nimwrap.images.kinds.registry import kind_of
from nimwrap.images.verification import READ_LIMIT_S


def names_in(host: Host, directory: Path, row: ImageRow) -> list[str]:
    """The names in the image, as kept for exactly this image, else read from it now and kept."""
    if not kind_of(row.kind).proof.full_reader:
        raise usage_error(f"{row.location} is a {row.kind}: no tool lists what is in it")
    if (known := kept_list(directory, row)) is not None:
        return known
    given = ask(host, [Question("names", image_names.shell(row.location), READ_LIMIT_S)], timeout=READ_LIMIT_S + 600)
    answer = given.get("names")
    if answer is None or answer.unknown:
        raise NimwrapError(f"reading {row.location} did not come to an end", hint="try again when the master is idle")
    try:
        names = image_names.parse(answer.output)
    except Unrecognised as fault:
        raise NimwrapError(
            f"{row.location} cannot be read to its end: {fault}",
            code=FailureCode.IMAGE_UNREADABLE,
            hint=f"nimwrap images verify --full {row.client}",
            client=row.client,
        ) from fault
    keep_list(directory, row, names)
    return names


def filesets_in(host: Host, row: ImageRow) -> dict[str, str] | None:
    """The level of each fileset in the image; None where its tool does not tell and nobody knows."""
    answer = ask(host, [Question("filesets", shlex.join(image_filesets.argv(row.location)), HEADER_LIMIT_S * 5)])
    told = answer.get("filesets")
    found = image_filesets.parse(told.output) if told is not None and told.succeeded else {}
    return found or None


@dataclass(frozen=True)
class FilesetChanges:
    """Fileset and level; of a changed one the level before and after."""

    added: tuple[tuple[str, str], ...] = ()
    removed: tuple[tuple[str, str], ...] = ()
    changed: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class ImageDifference:
    """What ``after`` has that ``before`` has not. ``filesets`` None: an image does not tell its own.

    ``busiest``: directories, at most three steps deep, with how many names came and went below them.
    """

    added: Sequence[str]
    removed: Sequence[str]
    filesets: FilesetChanges | None
    busiest: Sequence[tuple[str, int, int]]


def difference(before: Sequence[str], after: Sequence[str], filesets: FilesetChanges | None) -> ImageDifference:
    """From the names of two images."""
    old, new = set(before), set(after)
    added, removed = sorted(new - old), sorted(old - new)
    came, went = _by_directory(added), _by_directory(removed)
    busiest = sorted(came.keys() | went.keys(), key=lambda place: (-came[place] - went[place], place))
    return ImageDifference(added, removed, filesets, [(place, came[place], went[place]) for place in busiest[:10]])


def fileset_changes(before: dict[str, str] | None, after: dict[str, str] | None) -> FilesetChanges | None:
    """None unless both images tell their filesets."""
    if before is None or after is None:
        return None
    return FilesetChanges(
        tuple((name, after[name]) for name in sorted(after.keys() - before.keys())),
        tuple((name, before[name]) for name in sorted(before.keys() - after.keys())),
        tuple(
            (name, before[name], after[name])
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name]
        ),
    )


def _by_directory(names: Iterable[str]) -> Counter[str]:
    return Counter("/".join(name.rpartition("/")[0].split("/")[:4]) or "/" for name in names)
