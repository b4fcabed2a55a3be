"""Before a fleet starts: does what it is about to make fit at its worst moment? Who does not, is refused now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nimwrap.aix import df
from nimwrap.aix.text import Unrecognised
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.names import is_safe_path
from nimwrap.domain.records import ClientRef
from nimwrap.hosts.script_batch import Answer, Question
from nimwrap.images.capacity import Need, fits, needs_of, past_images
from nimwrap.images.image_probe import ask, df_shell
from nimwrap.images.kinds.registry import home

if TYPE_CHECKING:
    from nimwrap.fleet.session import Session


def too_large(session: Session, refs: Sequence[ClientRef]) -> dict[ClientRef, Failure]:
    """Why some of ``refs`` must not start together with those before them (``space_short``).

    One client alone is judged by its own preflight; so is everybody whose master or filesystem does not answer here.
    """
    refused: dict[ClientRef, Failure] = {}
    for master in dict.fromkeys(ref.master for ref in refs):
        mine = [ref for ref in refs if ref.master == master]
        if len(mine) < 2:
            continue
        try:
            refused |= _of_master(session, master, mine)
        except NimwrapError:
            continue
    return refused


def _of_master(session: Session, master: str, refs: Sequence[ClientRef]) -> dict[ClientRef, Failure]:
    places = {ref: home(ref.client, session.config.policy(master, ref.client)) for ref in refs}
    roots = sorted({path.rpartition("/")[0] or "/" for path in places.values() if is_safe_path(path)})
    given = ask(session.hosts[master], [Question(f"df{n}", df_shell(root), 60) for n, root in enumerate(roots)])
    mounts = {root: found for n, root in enumerate(roots) if (found := _filesystem(given.get(f"df{n}")))}
    now = session.clock.now()
    needs: list[Need] = []
    for ref, path in places.items():
        filesystem = mounts.get(path.rpartition("/")[0] or "/")
        if filesystem is None:
            continue
        past = past_images(session.reader, session.config, ref)
        needs += needs_of(session.config, ref, past, filesystem=filesystem.mounted_on, now=now)
    free = {one.mounted_on: one.free_bytes for one in mounts.values() if one.free_bytes is not None}
    short = fits(needs, free, session.config.masters[master].max_parallel)
    return {ref: short[ref.client] for ref in refs if ref.client in short}


def _filesystem(answer: Answer | None) -> df.Filesystem | None:
    if answer is None or answer.unknown or answer.failed:
        return None
    try:
        return df.parse(answer.output)[-1]
    except Unrecognised:
        return None
