"""TCP connections that simulated commands hold open: ``netstat -an`` shows them on both hosts meanwhile."""

from __future__ import annotations

import os

from nimwrap.estate import net
from nimwrap.estate.machine import Machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def connected(me: Machine, name: str, port: str, hold: Callable[[], None]) -> bool:
    """A connection to ``port`` of the host called ``name`` for as long as ``hold`` takes; False for an unknown name."""
    address = net.lookup(me, name)
    if address is None:
        return False
    row = [f"{net.tcp_source_towards(me, address)}.{30000 + os.getpid() % 30000}", f"{address}.{port}"]
    ends = {me.name: row}
    holder = net.holder(me, address)
    if holder:
        ends[holder] = row[::-1]
    for host, own in ends.items():
        me.state.change(f"connections-{host}", _adding(own))
    hold()
    for host, own in ends.items():
        me.state.change(f"connections-{host}", _removing(own))
    return True


def _adding(row: list[str]) -> Callable[[dict[str, Any]], None]:
    return lambda held: held.setdefault("open", []).append(row)


def _removing(row: list[str]) -> Callable[[dict[str, Any]], None]:
    return lambda held: held["open"].remove(row)


def open_now(me: Machine) -> list[list[str]]:
    """This host's, as (local end, foreign end)."""
    rows: list[list[str]] = me.state.read(f"connections-{me.name}").get("open", [])
    return rows
