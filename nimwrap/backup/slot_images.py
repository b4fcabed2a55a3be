"""Which images of a client one slot of a schedule still wants: a client may have several kinds and volume groups."""

from __future__ import annotations

from nimwrap.config.model import Config
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.ref import ClientRef
from nimwrap.history.ports import Queries
from nimwrap.images.kinds.registry import images_of

NEWEST = 50
"""So many of a client's runs are looked through for those of a slot."""


def wanted_images(
    config: Config, reader: Queries, ref: ClientRef, schedule: str | None, slot: str
) -> list[tuple[str, str]]:
    """Kind and volume group of each image that no run of this slot has ended yet; one killed before it began anything
    counts for none.
    """
    settled = set()
    for row in reader.last_runs(ref.master, ref.client, NEWEST):
        if (row.schedule, row.slot) != (schedule, slot) or row.outcome == Outcome.RUNNING:
            continue
        attempts = reader.attempts([row.id])
        if row.failure_code == FailureCode.KILLED and all(one.failure_code != FailureCode.KILLED for one in attempts):
            continue
        settled |= {(row.kind, AttemptPlan.from_json(one.plan).volume_group or "") for one in attempts if one.plan}
        settled.add((row.kind, ""))
    return [image for image in images_of(config.policy(ref.master, ref.client), ref.client) if image not in settled]
