"""The state of a master's images before anything is decided about them: asked, written down, and judged as a whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from nimwrap.images.mass_change import why_stopped
from nimwrap.images.master_catalog import MasterState, survey
from nimwrap.images.sightings import write_down
from nimwrap.master_context import MasterContext


def observe(context: MasterContext, now: datetime, locked: str = "") -> MasterState:
    """The master's state with every recorded image looked at; raises when it cannot be asked or written down.

    ``locked``: the client on which the caller itself works. The rows that were read before may be others now.
    """
    master = context.master.name
    state = survey(context.host, context.master, [row.location for row in context.queries.images(master)])
    seen = replace(state.seen, busy=state.seen.busy - {locked})
    write_down(context.store, context.queries, master, seen, now)
    return replace(state, stopped=why_stopped(context.queries, master))
