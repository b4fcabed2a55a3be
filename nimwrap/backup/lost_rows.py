"""Rows that the history has lost, written again from the plan that lies in an operation's directory on the master."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.records import Attempt, Run
from nimwrap.history.model import RunRow
from nimwrap.master_context import MasterContext


def written_again(context: MasterContext, plan: AttemptPlan) -> RunRow:
    """The rows that the history has lost (damaged, moved aside, put back from an older copy), as far as the plan knows
    them; the run's own row as it is then.
    """
    now, store = context.clock.now(), context.store
    began = _begun(plan.run, now)
    if context.queries.stored_run(plan.run) is None:
        store.begin_run(Run(plan.run, plan.client, plan.master, began, kind=plan.kind))
        store.update_run(plan.run, actor=None)  # who asked for it is lost with them
    known = {change.id for change in context.queries.changes(run=plan.run)}
    if plan.exported is not None and plan.change not in known:
        change = store.plan_change(
            plan.run, plan.master, plan.exported, added=list(plan.added), before=plan.before, at=began
        )
        plan = replace(plan, change=change)
    attempt = Attempt(plan.number, began, remedy=plan.remedy)
    store.begin_attempt(plan.run, attempt, location=plan.location, resource=plan.resource, plan=plan.to_json())
    context.note(plan.run, "recovered", "rebuilt from the spool: the history had lost this run or its attempt", at=now)
    return context.queries.run(plan.run)


def _begun(run: str, now: datetime) -> datetime:
    """When the run began, which its id says; now for an id of another form."""
    try:
        return min(datetime.strptime(run.partition("-")[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC), now)
    except ValueError:
        return now
