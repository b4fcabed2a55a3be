"""Ending a run from outside: nothing new is begun for it, its operation is ended client side first, it is closed."""

from __future__ import annotations

from nimwrap.backup.cancel_request import request_cancel
from nimwrap.backup.operation import poll
from nimwrap.backup.operation_status import OperationStatus
from nimwrap.backup.recovery import last_plan, recover
from nimwrap.backup.recovery_acts import finish
from nimwrap.backup.recovery_seen import OwnerIs, WishIs
from nimwrap.backup.unfinished_attempt import Recovered, UnfinishedAttempt
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.codes import Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.history.ports import Queries
from nimwrap.history.run_lease import owner_alive
from nimwrap.master_context import MasterContext

CLOSING_S = 60
LOOK_EVERY_S = 0.5


def cancel_run(context: MasterContext, reader: Queries, run: str) -> Recovered:
    """Have an open run ended and closed: by its living owner, wherever that is with it by now, else by us.

    Raises NimwrapError when that takes longer than CLOSING_S, and what is asked for stays asked for; also when it came
    too late, for a run whose image was whole by then.
    """
    request_cancel(context, run)
    done = _closed(context, reader, run)
    outcome = reader.run(run).outcome
    if outcome in (Outcome.OK, Outcome.WARNING):
        raise NimwrapError(
            f"{run} could not be cancelled any more: its image was whole by then, and it ended {outcome}",
            hint=f"nimwrap show {run}",
        )
    return done


def _closed(context: MasterContext, reader: Queries, run: str) -> Recovered:
    plan, waited = None, 0.0
    while waited < CLOSING_S:
        if plan is None and (plan := last_plan(reader, run)) is not None:
            plan = plan if _ended(context, plan) else None  # it may be about to begin: looked for again
        if not owner_alive(context.config.state_dir, run):
            break
        context.clock.sleep(LOOK_EVERY_S)
        waited += LOOK_EVERY_S
        if reader.run(run).outcome != Outcome.RUNNING:
            return Recovered(closed=[run])
    if owner_alive(context.config.state_dir, run):
        raise NimwrapError(
            f"{run} is told to end and starts nothing more, but its nimwrap has not closed it within {CLOSING_S} s",
            hint="it does so when what it waits for has ended; else end that process, and run `nimwrap recover`",
        )
    done = recover(context, reader, wait=False)  # other runs go on: nobody asked to wait for them
    if reader.run(run).outcome == Outcome.RUNNING:
        raise NimwrapError(
            f"{run} could not be closed: {'; '.join(done.notes) or 'its operation is still running'}",
            hint="see why, then `nimwrap recover`",
        )
    return done


def _ended(context: MasterContext, plan: AttemptPlan) -> bool:
    """End the operation, if there is one at work; False when there is none yet."""
    case = UnfinishedAttempt(
        context, plan.run, plan, plan.run, OperationStatus(room=True), owner=OwnerIs.UNKNOWN, wish=WishIs.CANCEL
    )
    case.saw(poll(context, plan, 0))
    finish(case)
    return case.status.room
