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
from nimwrap.hosts.questions import Answer, Question
from nimwrap.images.kinds import home, images_of
from nimwrap.images.look import ask, df_shell
from nimwrap.images.space import fits, need_of

if TYPE_CHECKING:
    from nimwrap.fleet.desk import Desk


def too_large(desk: Desk, refs: Sequence[ClientRef]) -> dict[ClientRef, Failure]:
    """Why some of ``refs`` must not start together with those before them (``space_short``).

    One client alone is judged by its own preflight; so is everybody whose master or filesystem does not answer here.
    """
    refused: dict[ClientRef, Failure] = {}
    for master in dict.fromkeys(ref.master for ref in refs):
        mine = [ref for ref in refs if ref.master == master]
        if len(mine) < 2:
            continue
        try:
            refused |= _of_master(desk, master, mine)
        except NimwrapError:
            continue
    return refused


def _of_master(desk: Desk, master: str, refs: Sequence[ClientRef]) -> dict[ClientRef, Failure]:
    places = {ref: home(ref.client, desk.config.policy(master, ref.client)) for ref in refs}
    roots = sorted({path.rpartition("/")[0] or "/" for path in places.values() if is_safe_path(path)})
    given = ask(desk.hosts[master], [Question(f"df{n}", df_shell(root), 60) for n, root in enumerate(roots)])
    mounts = {root: found for n, root in enumerate(roots) if (found := _filesystem(given.get(f"df{n}")))}
    now = desk.clock.now()
    needs = []
    for ref, path in places.items():
        filesystem = mounts.get(path.rpartition("/")[0] or "/")
        if filesystem is None:
            continue
        for kind, _ in images_of(desk.config.policy(master, ref.client), ref.client):
            needs.append(need_of(desk.reader, desk.config, ref, filesystem=filesystem.mounted_on, now=now, kind=kind))
    free = {one.mounted_on: one.free_bytes for one in mounts.values() if one.free_bytes is not None}
    short = fits(needs, free, desk.config.masters[master].max_parallel)
    return {ref: short[ref.client] for ref in refs if ref.client in short}


def _filesystem(answer: Answer | None) -> df.Filesystem | None:
    if answer is None or not answer.ok:
        return None
    try:
        return df.parse(answer.output)[-1]
    except Unrecognised:
        return None
