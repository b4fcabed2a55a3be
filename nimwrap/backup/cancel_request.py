"""That somebody wants a run cancelled, as the history says: whoever owns the run looks before it begins anything."""

from __future__ import annotations

from nimwrap.domain.act import Act, ActName
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.history.ports import Queries
from nimwrap.master_context import MasterContext

CANCELLED = "cancelled by an operator"


def request_cancel(context: MasterContext, run: str) -> None:
    """Write it down; from then on nothing new is begun for the run."""
    act = Act("cancel", ActName.CANCEL, run)
    context.store.event(act, CANCELLED, run=run, master=context.master.name, at=context.clock.now())


def cancel_requested(queries: Queries, run: str) -> bool:
    return any(event.kind == "cancel" for event in queries.events(run))


def refuse_cancelled(context: MasterContext, run: str) -> None:
    """Raise NimwrapError ``cancelled`` when the run is not to go on."""
    if cancel_requested(context.queries, run):
        raise NimwrapError(
            f"{CANCELLED} before anything was started",
            code=FailureCode.CANCELLED,
            hint="start it again when it suits",
        )
