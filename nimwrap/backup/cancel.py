"""Ending a running operation from outside: client side first, then the run is closed by whoever owns it."""

from __future__ import annotations

from nimwrap.backup.context import Site
from nimwrap.backup.operation import end, follow
from nimwrap.backup.recover import Recovered, last_plan, recover
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.history.owner import owner_alive
from nimwrap.history.read import Reader

CLOSING_S = 60


def cancel(site: Site, reader: Reader, run: str) -> Recovered:
    """End the operation of an open run; its living owner closes it, else we do.

    Raises usage errors for a run that has no operation to end.
    """
    plan = last_plan(reader, run)
    if plan is None:
        raise usage_error(f"{run} has no operation yet that could be ended", "end its nimwrap process instead")
    site.store.event("cancel", "cancelled by an operator", run=run, master=plan.master, at=site.clock.now())
    end(site, plan, "cancelled")
    waited = 0.0
    while owner_alive(site.config.state_dir, run) and waited < CLOSING_S:
        site.clock.sleep(0.5)
        waited += 0.5
        if reader.run(run)["outcome"] != "running":
            return Recovered(closed=[run])
    if owner_alive(site.config.state_dir, run):
        raise NimwrapError(
            f"the operation of {run} is ended, but its nimwrap has not closed the run within {CLOSING_S} s",
            hint="look at that process; `nimwrap recover` closes the run when it is gone",
        )
    follow(site, plan)
    done = recover(site, reader, wait=False)  # other runs go on: nobody asked to wait for them
    if reader.run(run)["outcome"] == "running":
        raise NimwrapError(
            f"{run} could not be closed: {'; '.join(done.notes) or 'its operation is still running'}",
            hint="see why, then `nimwrap recover`",
        )
    return done
