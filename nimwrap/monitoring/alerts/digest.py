"""Messages: a subject with the verdict, and one body as plain text and as HTML that a phone shows well."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from nimwrap.domain.alert_kind import AlertKind
from nimwrap.domain.verdict import Verdict
from nimwrap.monitoring.alerts.alert_states import Item, News
from nimwrap.monitoring.protection import Protection

SHOWN = 40
MORE = "More: nimwrap status, nimwrap history, nimwrap show RUN"
_MENTION = re.compile(r"@(?=(?:everyone|here|channel|all|team|room)\b)", re.IGNORECASE)
_MARKUP = re.compile(r"<(?=[!@#&])")
"""Slack and Discord: ``<!channel>``, ``<@U024>``, ``<@&role>``."""

Parts = Sequence[tuple[str, Sequence[Item]]]
"""Headings, each with what stands below it."""

_COLOURS = {Verdict.OK: "#1a7f37", Verdict.WARNING: "#9a6700", Verdict.CRITICAL: "#b3261e"}
_BLOCK = "font-family:sans-serif;font-size:16px;line-height:1.45;color:#1f2328;max-width:40em;overflow-wrap:anywhere"


@dataclass(frozen=True)
class DigestMessage:
    """``urgent`` when it tells of more than recoveries; ``html``: the same as ``body``, for mails."""

    subject: str
    body: str
    urgent: bool = True
    html: str = ""


def composed(subject: str, lead: Sequence[str], parts: Parts = (), verdict: Verdict | None = None) -> DigestMessage:
    """The message of some sentences and of parts, in both forms; everything in it is made harmless."""
    told = [(heading, list(items)) for heading, items in parts if items]
    body = "\n\n".join([*map(_flat, lead), *(_part_text(*part) for part in told)])
    html = "".join([*(_lead_html(one, verdict) for one in lead), *(_part_html(*part) for part in told)])
    return DigestMessage(_flat(subject), body, html=f'<div style="{_BLOCK}">{html}</div>')


def digest(fresh: News, found: Protection, site: str) -> DigestMessage:
    """The message for the news of one fleet run. ``site``: where it comes from, for whoever has several."""
    told = {kind: fresh.items.get(kind, ()) for kind in AlertKind}
    counts = ", ".join(f"{len(items)} {kind}" for kind, items in told.items() if items)
    parts = [(kind.heading, items) for kind, items in told.items()]
    urgent = any(items for kind, items in told.items() if kind is not AlertKind.RECOVERED)
    made = composed(subject_of(found, counts, site), [found.sentence], parts, found.verdict)
    return closing(made, urgent=urgent)


def closing(message: DigestMessage, *, urgent: bool) -> DigestMessage:
    """The message with the line that says where more is told."""
    small = f'<p style="color:#57606a;font-size:14px">{escape(MORE)}</p></div>'
    html = message.html.removesuffix("</div>") + small
    return DigestMessage(message.subject, f"{message.body}\n\n{MORE}", urgent, html)


def subject_of(found: Protection, about: str, site: str) -> str:
    """``nimwrap CRITICAL: 2 overdue (site)``."""
    return f"nimwrap {found.verdict.upper()}: {about} ({site})"


def _part_text(title: str, items: Sequence[Item]) -> str:
    lines = [f"{title} ({len(items)})"]
    for item in items[:SHOWN]:
        lines.append(f"- {_flat(item.name)}: {_flat(item.reason)}")
        if item.fix:
            lines.append(f"  fix: {_flat(item.fix)}")
    if len(items) > SHOWN:
        lines.append(f"- and {len(items) - SHOWN} more")
    return "\n".join(lines)


def _lead_html(text: str, verdict: Verdict | None) -> str:
    colour = _COLOURS.get(verdict, "#1f2328") if verdict else "#1f2328"
    return f'<p style="border-left:4px solid {colour};padding-left:10px">{_safe(text)}</p>'


def _part_html(title: str, items: Sequence[Item]) -> str:
    rows = "".join(
        f'<li style="margin-bottom:8px"><b>{_safe(item.name)}</b>: {_safe(item.reason)}'
        + (f"<br>fix: {_safe(item.fix)}" if item.fix else "")
        + "</li>"
        for item in items[:SHOWN]
    )
    left = f"<li>and {len(items) - SHOWN} more</li>" if len(items) > SHOWN else ""
    heading = f'<h2 style="font-size:18px">{_safe(title)} ({len(items)})</h2>'
    return f'{heading}<ul style="padding-left:20px">{rows}{left}</ul>'


def _safe(text: str) -> str:
    return escape(_flat(text))


def _flat(text: str) -> str:
    """One line without control characters, and without what a chat takes for a call to everybody: names and reasons
    come from outside."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return _MARKUP.sub("< ", _MENTION.sub("(at)", line))
