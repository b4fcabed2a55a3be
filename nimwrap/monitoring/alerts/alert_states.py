"""From the protection of the site to what is worth telling: what is new since the last time somebody was told."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.verdict import Verdict
from nimwrap.monitoring.protection import ClientView, Protection

States = dict[str, dict[str, str]]
"""Per subject (``master/client``, or SITE) its states that are not fine, each with what it is about."""

SITE = ""
KINDS = ("failed", "overdue", "warning", "recovered")
"""In the order in which a digest tells them."""

_CHANGING = re.compile(r"\d[\w.:-]*")


@dataclass(frozen=True)
class Item:
    """One line of a digest. ``name``: as the client is called at this site; ``fix``: what to do, if known."""

    name: str
    reason: str
    fix: str = ""


@dataclass(frozen=True)
class News:
    """What is new, by kind; falsy when nothing is."""

    items: Mapping[str, tuple[Item, ...]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.items.values())


def states_of(found: Protection) -> States:
    """The states of every client that is not fine, and of the site."""
    states = {str(view.ref): held for view in found.clients if (held := _client_states(view))}
    if found.faults:
        states[SITE] = {"warning": _stable("; ".join(message for _, message in found.faults))}
    return states


def news(found: Protection, before: States, now: States, on: Collection[str]) -> News:
    """What ``now`` has that ``before`` had not, of the kinds in ``on``; a client without any state has recovered."""
    items: dict[str, list[Item]] = {kind: [] for kind in KINDS}
    for view in found.clients:
        key = str(view.ref)
        for kind in _new(before.get(key, {}), now.get(key, {})):
            items[kind].append(_item(found.named[view.ref], view, kind))
    for kind in _new(before.get(SITE, {}), now.get(SITE, {})):
        reason = "; ".join(message for _, message in found.faults) or "nothing is wrong with the site itself any more"
        items[kind].append(Item("site", reason))
    return News({kind: tuple(items[kind]) for kind in KINDS if kind in on})


def _client_states(view: ClientView) -> dict[str, str]:
    """A failed last run and an overdue image are states of their own; a hold was chosen, so it is a warning."""
    if view.judged.verdict is Verdict.OK:
        return {}
    states = {}
    if _failed(view):
        states["failed"] = str(view.row["failure_code"] or view.row["last_outcome"])
    if view.judged.overdue and not view.hold:
        states["overdue"] = ""
    return states or {"warning": _stable("; ".join(view.judged.reasons))}


def _failed(view: ClientView) -> bool:
    started, good = view.row["last_started"], view.row["last_good"]
    if view.row["last_outcome"] not in ("failed", "refused", "locked") or not started:
        return False
    return not good or parse_rfc3339(started) >= parse_rfc3339(good)


def _stable(reason: str) -> str:
    """The reason without ages and dates: a fault that only grows older is not news."""
    return _CHANGING.sub("#", reason)


def _new(before: Mapping[str, str], now: Mapping[str, str]) -> list[str]:
    if before and not now:
        return ["recovered"]
    return [kind for kind, about in now.items() if before.get(kind) != about]


def _item(name: str, view: ClientView, kind: str) -> Item:
    if kind == "recovered":
        good = view.row["last_good"]
        return Item(name, f"good again, last image of {good}" if good else "fine again")
    reason = "; ".join(view.judged.reasons)
    if kind == "failed":
        reason = view.row["failure_message"] or reason
    return Item(name, reason, view.advice)
