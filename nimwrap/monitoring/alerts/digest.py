"""One message for all that is new: a subject that says how many of what, and a line for each client."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nimwrap.domain.alert_kind import AlertKind
from nimwrap.monitoring.alerts.alert_states import Item, News
from nimwrap.monitoring.protection import Protection

_SHOWN = 40
_MENTION = re.compile(r"@(?=(?:everyone|here|channel|all|team|room)\b)", re.IGNORECASE)
_MARKUP = re.compile(r"<(?=[!@#&])")
"""Slack and Discord: ``<!channel>``, ``<@U024>``, ``<@&role>``."""


@dataclass(frozen=True)
class DigestMessage:
    """``urgent`` when it tells of more than recoveries."""

    subject: str
    body: str
    urgent: bool = True


def digest(fresh: News, found: Protection, site: str) -> DigestMessage:
    """The message for the news of one fleet run. ``site``: where it comes from, for whoever has several."""
    told = {kind: fresh.items.get(kind, ()) for kind in AlertKind}
    counts = ", ".join(f"{len(items)} {kind}" for kind, items in told.items() if items)
    parts = [_part(kind.heading, items) for kind, items in told.items() if items]
    body = "\n\n".join([found.sentence, *parts, "More: nimwrap status, nimwrap history, nimwrap show RUN"])
    urgent = any(items for kind, items in told.items() if kind is not AlertKind.RECOVERED)
    return DigestMessage(f"nimwrap: {counts} ({_flat(site)})", body, urgent=urgent)


def _part(title: str, items: tuple[Item, ...]) -> str:
    lines = [f"{title} ({len(items)})"]
    for item in items[:_SHOWN]:
        lines.append(f"- {_flat(item.name)}: {_flat(item.reason)}")
        if item.fix:
            lines.append(f"  fix: {_flat(item.fix)}")
    if len(items) > _SHOWN:
        lines.append(f"- and {len(items) - _SHOWN} more")
    return "\n".join(lines)


def _flat(text: str) -> str:
    """One line without control characters, and without what a chat takes for a call to everybody: names and reasons
    come from outside."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return _MARKUP.sub("< ", _MENTION.sub("(at)", line))
