"""How the copies of each client stand, computed from rows whenever somebody asks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nimwrap.config.model import Config, CopyConfig
from nimwrap.copies.copy_plan import CopyState, wanted_places
from nimwrap.domain.durations import format_duration, parse_rfc3339
from nimwrap.domain.ref import ClientRef, Key
from nimwrap.domain.verdict import Reason, ReasonCode, Verdict
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.model import ImageRow
from nimwrap.history.ports import Queries


class Health(StrEnum):
    """The better first."""

    OK = "ok"
    LATE = "late"
    FAILED = "failed"
    NONE = "none"


@dataclass(frozen=True)
class CopyHealth:
    """One client at one place. ``copy`` is the newest proven one, of an image that is ``age_s`` old; ``why``: of a
    last try that failed."""

    place: CopyConfig
    health: Health
    copy: CopyRow | None = None
    age_s: float | None = None
    why: str = ""

    @property
    def verdict(self) -> Verdict:
        return Verdict.OK if self.health is Health.OK else Verdict.WARNING

    @property
    def reason(self) -> Reason | None:
        """The fault that this is, None where it is none."""
        name = self.place.name
        tried = f"; the last try failed: {self.why}" if self.why else ""
        if self.health is Health.NONE or (self.copy is None and self.why):
            return _warning(
                ReasonCode.ONLY_ONE_COPY, f"there is only one copy of its image: none at {name}{tried}", name
            )
        if self.health is Health.FAILED:
            return _warning(ReasonCode.COPY_FAILED, f"its newest image is not at {name}{tried}", name)
        if self.health is Health.LATE:
            old, limit = format_duration(self.age_s or 0), format_duration(self.place.max_age)
            return _warning(
                ReasonCode.COPY_LATE, f"its newest image at {name} is {old} old, the limit is {limit}", name
            )
        return None


def _warning(code: ReasonCode, text: str, place: str) -> Reason:
    return Reason(Verdict.WARNING, code, text, (place,))


def copy_healths(config: Config, reader: Queries, keys: Sequence[Key], now: datetime) -> dict[Key, list[CopyHealth]]:
    """For each client the places that its images are copied to; of several kinds of image the worst counts."""
    if not config.copies:
        return {}
    places = wanted_places(config, [ClientRef(*key) for key in keys])
    good = {(master, client): [] for master, client in keys}  # type: dict[Key, list[str]]
    for master, client, kind in reader.last_good_of(keys):
        good[master, client].append(kind)
    copies: dict[tuple[str, str, str], list[CopyRow]] = {}
    for copy in reader.copies():
        copies.setdefault((*copy.key, copy.name), []).append(copy)
    images = {row.id: row for row in reader.images_by_id(list({c.image for each in copies.values() for c in each}))}
    found: dict[Key, list[CopyHealth]] = {}
    for ref, wanted in places.items():
        key = (ref.master, ref.client)
        found[key] = [_worst_of(place, good[key], copies.get((*key, place.name), ()), images, now) for place in wanted]
    return found


def _worst_of(
    place: CopyConfig, kinds: Sequence[str], copies: Sequence[CopyRow], images: Mapping[int, ImageRow], now: datetime
) -> CopyHealth:
    """Without any good image there is nothing to be copied."""
    each = [_of_kind(place, [c for c in copies if images[c.image].kind == kind], images, now) for kind in kinds]
    order = list(Health)
    return max(each, key=lambda one: order.index(one.health), default=CopyHealth(place, Health.NONE))


def _of_kind(place: CopyConfig, copies: Iterable[CopyRow], images: Mapping[int, ImageRow], now: datetime) -> CopyHealth:
    newest = sorted(copies, key=lambda copy: (images[copy.image].created, copy.image), reverse=True)
    proven = next((copy for copy in newest if copy.state == CopyState.OK), None)
    tried = next((copy for copy in newest if copy.state in (CopyState.OK, CopyState.FAILED)), None)
    why = tried.reason or "" if tried is not None and tried is not proven else ""
    if proven is None:
        return CopyHealth(place, Health.FAILED if why else Health.NONE, why=why)
    age_s = (now - parse_rfc3339(images[proven.image].created)).total_seconds()
    health = Health.FAILED if why else Health.LATE if age_s > place.max_age else Health.OK
    return CopyHealth(place, health, proven, age_s, why)
