"""TOML text from plain dicts: enough for the estate's own configuration files."""

from __future__ import annotations

import json
import re
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def document(content: dict[str, Any]) -> str:
    """Scalars and lists first, then one table for each dict, dicts of dicts as dotted tables."""
    return "".join(_lines(content, ())).lstrip("\n")


def _lines(content: dict[str, Any], place: tuple[str, ...]) -> list[str]:
    plain = {key: value for key, value in content.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in content.items() if isinstance(value, dict)}
    lines = [f"{_key(key)} = {_value(value)}\n" for key, value in plain.items()]
    for key, value in tables.items():
        name = (*place, key)
        nested = bool(value) and all(isinstance(one, dict) for one in value.values())
        if not nested:
            lines.append(f"\n[{'.'.join(_key(one) for one in name)}]\n")
        lines += _lines(value, name)
    return lines


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else json.dumps(key)


def _value(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    return json.dumps(value)
