"""What is kept of hooks whose end is recorded, or that nobody waits for any more: taken away."""

from __future__ import annotations

from nimwrap.domain.codes import Outcome
from nimwrap.history.run_lease import owner_alive, remove_stale_leases
from nimwrap.hooks.hooks_elsewhere import own_prefix
from nimwrap.hooks.on_control import clear_room
from nimwrap.hooks.on_master import clear_there, left_there
from nimwrap.hooks.run_hook import room_on_control
from nimwrap.master_context import MasterContext


def sweep_hooks(context: MasterContext) -> None:
    """Here and on this master; what runs there is left alone, and what belongs to another installation."""
    if not context.config.hooks:
        return
    remove_stale_leases(context.config.state_dir, own_prefix(context))
    here = room_on_control(context, "")
    for name in [path.name for path in here.iterdir()] if here.is_dir() else ():
        if _is_over(context, name):
            clear_room(here / name)
    for name in left_there(context):
        if _is_over(context, name):
            clear_there(context, name)


def _is_over(context: MasterContext, name: str) -> bool:
    key = name.rsplit(".", 2)[0]
    if owner_alive(context.config.state_dir, key):
        return False
    row = context.queries.stored_run(key)
    return key.startswith(own_prefix(context)) if row is None else row.outcome != Outcome.RUNNING
