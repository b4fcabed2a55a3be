"""The commented configuration that ``nimwrap config init`` prints."""

from __future__ import annotations

from collections.abc import Iterator

from nimwrap.config.keys import (
    BACKUP,
    BLACKOUT,
    CLIENT,
    COPY,
    HOOK,
    LIMIT,
    MASTER,
    NOTIFY,
    RECIPIENTS,
    REPORT,
    RETRY,
    TOP,
    Key,
    Table,
)
from nimwrap.config.spelling import spelled

_HEAD = """\
# The configuration of nimwrap. Every key is here; those behind "#" show the default or an example.
# Durations: 90s 30m 6h 8d. Check it with `nimwrap config validate`; `nimwrap config show` tells what holds and why.
"""
_GROUPS = """\
# Names for several clients: names, globs, master/client, group:NAME.
[groups]
#cluster = ["powerha1", "powerha2"]
"""
_IN_USE = {("masters", "transport"), ("masters", "host")}


def starter() -> str:
    """TOML text without faults: one master to be filled in, all else commented."""
    parts = [
        _HEAD + "\n" + _lines(TOP),
        _part("[masters.nim]", MASTER),
        _part("[backup]", BACKUP),
        _part("[retry]", RETRY),
        _GROUPS,
        _part('#[clients.powerha1]  # or "nim/powerha1" where two masters know the name', CLIENT)
        + '#keep = 5  # any key of [backup] and [retry]; a group has a table too: [clients."group:NAME"]\n',
        _part("#[limits.frame1]", LIMIT),
        _part("#[blackout.month_end]", BLACKOUT),
        _part("[notify]", NOTIFY),
        _part("#[notify.unix]", RECIPIENTS),
        _part("#[copies.second]", COPY),
        _part("#[[hooks]]", HOOK),
        _part("[report]", REPORT),
    ]
    return "\n".join(parts)


def _part(header: str, table: Table) -> str:
    return f"# {table.doc}.\n{header}\n{_lines(table)}"


def _lines(table: Table) -> str:
    return "".join(_setting_lines(table))


def _setting_lines(table: Table) -> Iterator[str]:
    for key in table.keys:
        mark = "" if (table.name, key.name) in _IN_USE else "#"
        setting = f"{mark}{key.name} = {_value(table, key)}"
        yield f"{setting:<46}  # {key.doc}\n"


def _value(table: Table, key: Key) -> str:
    return key.example or spelled(key, table.default(key.name))
