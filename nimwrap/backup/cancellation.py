"""Ending a running operation from outside: client side first, then the run is closed by whoever owns it."""

from __future__ import annotations

from nimwrap.backup.operation import end, follow
from nimwrap.backup.recovery import Recovered, last_plan, recover
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.history.run_lease import owner_alive
from nimwrap.history.sqlite.queries import Reader
from nimwrap.master_context import MasterContext

CLOSING_S = 60


def cancel_run(context: MasterContext, reader: Reader, run: str) -> Recovered:
    """End the operation of an open run; its living owner closes it, else we do.

    Raises usage errors for a run that has no operation to end.
    """
    plan = last_plan(reader, run)
    if plan is None:
        raise usage_error(f"{run} has no operation yet that could be ended", "end its nimwrap process instead")
    context.store.event("cancel", "cancelled by an operator", run=run, master=plan.master, at=context.clock.now())
    end(context, plan, "cancelled")
    waited = 0.0
    while owner_alive(context.config.state_dir, run) and waited < CLOSING_S:
        context.clock.sleep(0.5)
        waited += 0.5
        if reader.run(run).outcome != "running":
            return Recovered(closed=[run])
    if owner_alive(context.config.state_dir, run):
        raise NimwrapError(
            f"the operation of {run} is ended, but its nimwrap has not closed the run within {CLOSING_S} s",
            hint="look at that process; `nimwrap recover` closes the run when it is gone",
        )
    follow(context, plan)
    done = recover(context, reader, wait=False)  # other runs go on: nobody asked to wait for them
    if reader.run(run).outcome == "running":
        raise NimwrapError(
            f"{run} could not be closed: {'; '.join(done.notes) or 'its operation is still running'}",
            hint="see why, then `nimwrap recover`",
        )
    return done
