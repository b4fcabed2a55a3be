"""The NIM database of a master: its objects and their attributes in order, in the master's /etc/objrepos."""

from __future__ import annotations

import os
import time

from nimwrap.estate.machine import Machine, State

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READY = "ready for a NIM operation"
BUSY = "mksysb operation is being performed"
"""No public capture of the real text exists (reference aix-nim section 2.7): nobody may match it."""

NimObject = dict[str, str]
Objects = dict[str, NimObject]


def _state(me: Machine) -> State:
    return State(me.path("/etc/objrepos"))


def objects(me: Machine) -> Objects:
    """All objects in the order of their definition."""
    return _state(me).read("nim")


def change(me: Machine, edit: Callable[[Objects], None]) -> None:
    """Edit the database under its lock."""
    _state(me).change("nim", edit)


def create(me: Machine) -> None:
    """An empty database."""
    os.makedirs(me.path("/etc/objrepos"), exist_ok=True)
    _state(me).write("nim", {})


def forget(me: Machine, name: str) -> None:
    """Take an object out."""

    def edit(all_: Objects) -> None:
        all_.pop(name, None)

    change(me, edit)


def set_attributes(me: Machine, name: str, **attributes: str | None) -> None:
    """Set attributes of one object; None takes one away."""

    def edit(all_: Objects) -> None:
        found = all_.get(name)
        if found is None:
            return
        for key, value in attributes.items():
            if value is None:
                found.pop(key, None)
            else:
                found[key] = value

    change(me, edit)


def machine_of(me: Machine, host: str) -> tuple[str, NimObject] | None:
    """The machine object whose ``if1`` names ``host``, or that is called so."""
    for name, found in objects(me).items():
        if found["class"] in ("machines", "management") and (name == host or if1_host(found) == host):
            return name, found
    return None


def if1_host(found: NimObject) -> str:
    """The host name in ``if1``; the object needs none for the master."""
    words = found.get("if1", "").split()
    return words[1] if len(words) > 1 else ""


def date_text(me: Machine) -> str:
    """Now as NIM writes ``creation_date``: the master's local time, in its locale."""
    text = time.strftime("%a %b %e %H:%M:%S %Y")
    return text if me.english() else time.strftime("%e/%m/%Y %H:%M:%S")
