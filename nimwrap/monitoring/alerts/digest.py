"""One message for all that is new: a subject that says how many of what, and a line for each client."""

from __future__ import annotations

from dataclasses import dataclass

from nimwrap.domain.alert_kind import AlertKind
from nimwrap.monitoring.alerts.alert_states import Item, News
from nimwrap.monitoring.protection import Protection

_SHOWN = 40


@dataclass(frozen=True)
class DigestMessage:
    """``urgent`` when it tells of more than recoveries."""

    subject: str
    body: str
    urgent: bool = True


def digest(fresh: News, found: Protection) -> DigestMessage:
    """The message for the news of one fleet run."""
    told = {kind: fresh.items.get(kind, ()) for kind in AlertKind}
    counts = ", ".join(f"{len(items)} {kind}" for kind, items in told.items() if items)
    parts = [_part(kind.heading, items) for kind, items in told.items() if items]
    body = "\n\n".join([found.sentence, *parts, "More: nimwrap status, nimwrap history, nimwrap show RUN"])
    urgent = any(items for kind, items in told.items() if kind is not AlertKind.RECOVERED)
    return DigestMessage(f"nimwrap: {counts}", body, urgent=urgent)


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
    """One line without control characters: names and reasons come from outside."""
    return "".join(letter if letter.isprintable() else " " for letter in text)
