"""From the protection of the site to what is worth telling: what is new since the last time somebody was told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from nimwrap.domain.alert_kind import AlertKind
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.local_time import local_text
from nimwrap.domain.verdict import Verdict, identities, texts
from nimwrap.monitoring.protection import ClientView, Protection

States = dict[str, dict[str, list[str]]]
"""Per subject (``master/client``, or SITE) its kinds of alert that are on, each with the identities of its faults.

A fault that only grows older keeps its identity, so it is told once; another one of the same kind has its own.
"""

SITE = ""


@dataclass(frozen=True)
class Item:
    """One line of a digest. ``name``: as the client is called at this site; ``fix``: what to do, if known."""

    name: str
    reason: str
    fix: str = ""


@dataclass(frozen=True)
class News:
    """What is new, by kind; falsy when nothing is."""

    items: Mapping[AlertKind, tuple[Item, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.items.values())


def states_of(found: Protection) -> States:
    """The states of every client that is not fine, and of the site."""
    states = {str(view.ref): held for view in found.clients if (held := _client_states(view))}
    if found.faults:
        states[SITE] = {AlertKind.WARNING.value: sorted(identities(found.faults))}
    return states


def news(found: Protection, before: States, now: States, on: Collection[str]) -> News:
    """What ``now`` has that ``before`` had not, of the kinds in ``on``; a client without any state has recovered."""
    items: dict[AlertKind, list[Item]] = {kind: [] for kind in AlertKind}
    for view in found.clients:
        key = str(view.ref)
        for kind in _new(before.get(key, {}), now.get(key, {})):
            items[kind].append(_item(found.named[view.ref], view, kind))
    for kind in _new(before.get(SITE, {}), now.get(SITE, {})):
        items[kind].append(Item("site", texts(found.faults) or "nothing is wrong with the site itself any more"))
    return News({kind: tuple(items[kind]) for kind in AlertKind if kind in on})


def _failed(view: ClientView) -> list[str]:
    """The code of a last run that ended badly, and after the last good image."""
    started, good = view.row.last_started, view.row.last_good
    if view.row.last_outcome not in ("failed", "refused", "locked") or not started:
        return []
    if good and parse_rfc3339(started) < parse_rfc3339(good):
        return []
    return [str(view.row.failure_code or view.row.last_outcome)]


def _overdue(view: ClientView) -> list[str]:
    """No image, or too old a one; with a hold somebody chose it, so it is a warning only."""
    return ["overdue"] if view.judged.overdue and not view.hold else []


def _warned(view: ClientView) -> list[str]:
    return sorted(identities(view.judged.reasons))


_RULES: Mapping[AlertKind, Callable[[ClientView], list[str]]] = {
    AlertKind.FAILED: _failed,
    AlertKind.OVERDUE: _overdue,
}
"""When a client is in a state, and the identities of what is wrong then; who is in none of these is in WARNING."""


def _client_states(view: ClientView) -> dict[str, list[str]]:
    if view.judged.verdict is Verdict.OK:
        return {}
    states = {kind.value: about for kind, rule in _RULES.items() if (about := rule(view))}
    return states or {AlertKind.WARNING.value: _warned(view)}


def _new(before: Mapping[str, list[str]], now: Mapping[str, list[str]]) -> list[AlertKind]:
    """The kinds with a fault that was not there before."""
    if before and not now:
        return [AlertKind.RECOVERED]
    return [AlertKind(kind) for kind, about in now.items() if kind not in before or set(about) - set(before[kind])]


def _item(name: str, view: ClientView, kind: AlertKind) -> Item:
    if kind is AlertKind.RECOVERED:
        good = view.row.last_good
        return Item(name, f"good again, last image of {local_text(good)}" if good else "fine again")
    reason = texts(view.judged.reasons)
    if kind is AlertKind.FAILED:
        reason = view.row.failure_message or reason
    return Item(name, reason, view.advice)
