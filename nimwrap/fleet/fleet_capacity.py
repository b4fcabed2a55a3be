"""Before a fleet starts: does what it is about to make fit at its worst moment? Who does not, is refused now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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


@dataclass
class FleetCapacity:
    """``too_large``: why some must not start together with those before them (``space_short``).

    ``at_once``: of each master whose number at once is learned, how many may be made at the same time for all the
    others to fit.
    """

    too_large: dict[ClientRef, Failure] = field(default_factory=dict)
    at_once: dict[str, int] = field(default_factory=dict)


def fleet_capacity(session: Session, refs: Sequence[ClientRef]) -> FleetCapacity:
    """What of ``refs`` fits, by master.

    One client alone is judged by its own preflight; so is everybody whose master or filesystem does not answer here.
    """
    found = FleetCapacity()
    for master in dict.fromkeys(ref.master for ref in refs):
        mine = [ref for ref in refs if ref.master == master]
        if len(mine) < 2:
            continue
        try:
            _judge_master(session, master, mine, found)
        except NimwrapError:
            continue
    return found


def _judge_master(session: Session, master: str, refs: Sequence[ClientRef], found: FleetCapacity) -> None:
    places = {ref: home(ref.client, session.config.policy(master, ref.client)) for ref in refs}
    roots = sorted({path.rpartition("/")[0] or "/" for path in places.values() if is_safe_path(path)})
    given = ask(session.hosts[master], [Question(f"df{n}", df_shell(root), 60) for n, root in enumerate(roots)])
    mounts = {root: seen for n, root in enumerate(roots) if (seen := _filesystem(given.get(f"df{n}")))}
    now = session.clock.now()
    needs: list[Need] = []
    for ref, path in places.items():
        filesystem = mounts.get(path.rpartition("/")[0] or "/")
        if filesystem is None:
            continue
        past = past_images(session.reader, session.config, ref)
        needs += needs_of(session.config, ref, past, filesystem=filesystem.mounted_on, now=now)
    free = {one.mounted_on: one.free_bytes for one in mounts.values() if one.free_bytes is not None}
    most = session.config.masters[master].most_parallel
    if session.config.masters[master].learns_parallel:
        short = fits(needs, free, 1)
        found.at_once[master] = _most_that_fit(needs, free, most, short)
    else:
        short = fits(needs, free, most)
    found.too_large |= {ref: short[ref.client] for ref in refs if ref.client in short}


def _most_that_fit(needs: Sequence[Need], free: Mapping[str, int], most: int, short: Mapping[str, Failure]) -> int:
    """The largest number at once that refuses nobody who would fit alone; the more at once, the more room is taken."""
    low, high = 1, most
    while low < high:
        middle = (low + high + 1) // 2
        if fits(needs, free, middle).keys() == short.keys():
            low = middle
        else:
            high = middle - 1
    return low


def _filesystem(answer: Answer | None) -> df.Filesystem | None:
    if answer is None or answer.unknown or answer.failed:
        return None
    try:
        return df.parse(answer.output)[-1]
    except Unrecognised:
        return None
