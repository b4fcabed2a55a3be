"""Markup built in Python: whatever is not markup already is escaped, so that text from outside stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from html import escape

from nimwrap.domain.durations import parse_rfc3339

_TYPED = re.compile(r"`([^`'\n]+)`")  # and not what a message quotes `so'
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class Markup(str):
    """Finished markup, which Jinja2 takes as it is."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def plain(value: object) -> str:
    """Text from outside without what no page can show: control characters, direction marks, half surrogates."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(value))


def safe(value: object) -> Markup:
    """A value as markup: escaped unless it is markup."""
    return value if isinstance(value, Markup) else Markup(escape(plain(value)))


def tag(name: str, *children: object, **attributes: object) -> Markup:
    """One element. ``class_`` and ``data_x`` become ``class`` and ``data-x``; attributes of None are left out."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(plain(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Markup(f"<{name}{written}>{''.join(map(safe, children))}</{name}>")


def typed(text: str) -> Markup:
    """What stands between backticks, as in messages on a terminal, shown as what can be typed."""
    if "`" not in text:
        return safe(text)
    parts = _TYPED.split(text)
    return joined(tag("code", part) if number % 2 else part for number, part in enumerate(parts))


def local_minute(value: datetime | str | None) -> str:
    """``2026-11-23 12:02`` by this machine's clock; empty for None."""
    if isinstance(value, str):
        return _minute_of(f"{value[:16]}:00{value[19:]}")
    return value.astimezone().isoformat(" ", "minutes")[:16] if value else ""


@lru_cache(maxsize=4096)
def _minute_of(text: str) -> str:
    """The backups of thousands of clients begin and end in a few hundred minutes."""
    return local_minute(parse_rfc3339(text))


def joined(parts: Iterable[object]) -> Markup:
    """Several pieces, one after the other."""
    return Markup("".join(safe(part) for part in parts))


def drawing(width: float, height: float, label: str, *children: object, **attributes: object) -> Markup:
    """A whole chart, with its text alternative."""
    box = f"0 0 {width:g} {height:g}"
    return tag(
        "svg",
        *children,
        viewBox=box,
        width=f"{width:g}",
        height=f"{height:g}",
        role="img",
        aria_label=label,
        **attributes,
    )
