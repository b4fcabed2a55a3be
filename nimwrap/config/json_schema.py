"""The configuration as JSON Schema, for editors and other checkers."""

from __future__ import annotations

from typing import Any

from nimwrap.config.keys import (
    BACKUP,
    BLACKOUT,
    CLIENT,
    COPY,
    HOOK,
    LIMIT,
    MASTER,
    NOTIFY,
    OVERRIDABLE,
    RECIPIENTS,
    REPORT,
    RETRY,
    SANDBOX,
    TOP,
    Key,
    Table,
)
from nimwrap.config.spelling import spelled

_LABEL = "^[A-Za-z0-9][A-Za-z0-9_.-]*$"
_OWN = "^(?!(?:urls|ping|on)$)[A-Za-z0-9][A-Za-z0-9_.-]*$"
"""Names of recipients: none that a key of ``[notify]`` has."""


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of the configuration file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "nimwrap.toml",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **_properties(TOP, TOP.keys),
            "masters": _named(MASTER, (*MASTER.keys, *OVERRIDABLE), _LABEL),
            "backup": _table(BACKUP),
            "retry": _table(RETRY),
            "groups": _groups(),
            "clients": _named(
                CLIENT, (*CLIENT.keys, *OVERRIDABLE), "^(?:group:[A-Za-z0-9_.-]+|([A-Za-z0-9_.-]+/)?[A-Za-z0-9_!-]+)$"
            ),
            "limits": _named(LIMIT, LIMIT.keys, _LABEL),
            "blackout": _named(BLACKOUT, BLACKOUT.keys, _LABEL),
            "notify": _named(RECIPIENTS, RECIPIENTS.keys, _OWN) | _table(NOTIFY),
            "copies": _named(COPY, COPY.keys, _LABEL),
            "sandboxes": _named(SANDBOX, SANDBOX.keys, _LABEL),
            "hooks": {"type": "array", "description": HOOK.doc, "items": _table(HOOK) | {"required": ["when", "run"]}},
            "report": _table(REPORT),
        },
    }


def _table(table: Table) -> dict[str, Any]:
    properties = _properties(table, table.keys)
    return {"type": "object", "description": table.doc, "additionalProperties": False, "properties": properties}


def _named(table: Table, keys: tuple[Key, ...], name: str) -> dict[str, Any]:
    one = {"type": "object", "additionalProperties": False, "properties": _properties(table, keys)}
    return {
        "type": "object",
        "description": table.doc,
        "additionalProperties": False,
        "patternProperties": {name: one},
    }


def _groups() -> dict[str, Any]:
    members = {"type": "array", "items": {"type": "string"}}
    return {
        "type": "object",
        "description": "Names for several clients: names, globs, master/client, group:NAME",
        "additionalProperties": members,
    }


def _properties(table: Table, keys: tuple[Key, ...]) -> dict[str, Any]:
    """One schema a key; overridden keys of ``[backup]`` and ``[retry]`` have no default of their own."""
    properties = {}
    for key in keys:
        properties[key.name] = key.kind.schema() | {"description": key.doc}
        if table.key(key.name) is key:
            properties[key.name]["default"] = _default(table, key)
    return properties


def _default(table: Table, key: Key) -> Any:
    import tomllib

    return tomllib.loads(f"value = {spelled(key, table.default(key.name))}")["value"]
