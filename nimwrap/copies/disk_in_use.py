"""Whether an image is being written to a file system that a copy reads from or writes to."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

from nimwrap.aix import df
from nimwrap.aix.text import Unrecognised
from nimwrap.copies.copy_plan import PlannedCopy
from nimwrap.hosts.script_batch import Question
from nimwrap.images.image_probe import ask, df_shell
from nimwrap.master_context import MasterContext


def disk_in_use(context: MasterContext, planned: PlannedCopy, busy: Collection[str]) -> str | None:
    """Why the copy has to wait: the file system that is being written to. ``busy``: where images are being made.

    A file system that ``df`` does not tell, or of which nobody knows, is taken to be in use.
    """
    if planned.place.beside_backups or not busy:
        return None
    own = [str(PurePosixPath(planned.row.location).parent), *filter(None, (planned.place.directory,))]
    directories = [*own, *busy]
    given = ask(context.host, [Question(f"df{n}", df_shell(each), 60) for n, each in enumerate(directories)])
    mounts: list[str | None] = []
    for number in range(len(directories)):
        answer = given.get(f"df{number}")
        mounts.append(_mount(answer.output) if answer is not None and answer.succeeded else None)
    writing = set(mounts[len(own) :])
    for directory, mount in zip(own, mounts, strict=False):
        if mount is None or None in writing or mount in writing:
            return f"an image is being written to the file system of {directory}"
    return None


def _mount(text: str) -> str | None:
    try:
        return df.parse(text)[-1].mounted_on
    except Unrecognised:
        return None
