"""Values as TOML writes them, for the starter file and ``config show``."""

from __future__ import annotations

import json
from typing import Any

from nimwrap.config.keys import Key
from nimwrap.config.value_types import Duration


def spelled(key: Key, value: Any) -> str:
    """The value of this key as TOML text; durations in their largest whole unit, secrets masked."""
    return _duration(value) if isinstance(key.kind, Duration) else toml(value)


def toml(value: Any) -> str:
    """Any value of a record as TOML text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return str(value)
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(toml(item) for item in value)}]"
    if isinstance(value, dict):
        inside = ", ".join(f"{name} = {toml(item)}" for name, item in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    quoted = json.dumps(str(value), ensure_ascii=False)  # a Secret masks itself
    return quoted.replace("\x7f", "\\u007f")  # the one character that JSON leaves bare and TOML does not


def _duration(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f'"{seconds // size}{unit}"'
    return f'"{seconds}s"'
