"""After a proven and recorded image: it takes its fixed name, and only then may an older one go."""

from __future__ import annotations

from nimwrap.domain import names
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import Run
from nimwrap.images import fixed_name
from nimwrap.images.kit.kit_files import kit_text
from nimwrap.images.prune import PruneDecision, apply_retention
from nimwrap.locks.client_locks import give_back
from nimwrap.master_context import MasterContext


def apply_name_and_retention(context: MasterContext, run: Run, *, resuming: bool = False) -> Failure | None:
    """Fixed name, then retention, while the client's lock is still ours; why the name could not be taken, if so.

    ``resuming``: a replacement that was begun is finished from its journal, whatever ``naming`` says by now.

    Raises NimwrapError when the name is half way: its journal lies in the run's room, and the run has to stay open for
    recover. Retention never touches the run's outcome.
    """
    failure = _fixed_name(context, run, resuming=resuming)
    try:
        removed = apply_retention(context, run.client, run.kind, context.clock.now(), made_by=run.id)
    except NimwrapError as error:
        context.note(run.id, "retention", f"put off to the next run or `nimwrap recover`: {error.message}")
        return failure
    for verdict in (verdict for verdict in removed if verdict.action != "keep"):
        context.note(run.id, "retention", _said(verdict))
    return failure


def give_back_with_kit(context: MasterContext, client: str, run: str, room: str | None, *, made: bool) -> str:
    """As ``give_back``; where an image was ``made`` what lies beside the client's images is written anew before."""
    return give_back(context, client, run, room=room, first=kit_text(context, client) if made else "")


def warned(outcome: Outcome, failure: Failure | None, kept: Failure | None) -> tuple[Outcome, Failure | None]:
    """The end of a run whose image is good: a name that still means an older image is a warning."""
    return (Outcome.WARNING, kept) if kept is not None and outcome is Outcome.OK else (outcome, failure)


def _fixed_name(context: MasterContext, run: Run, *, resuming: bool) -> Failure | None:
    """Goes on where a crash left it, or begins; an image that bears the name already is left alone."""
    now = context.clock.now()
    wanted = fixed_name.wanted(run.kind, context.config.policy(run.master, run.client))
    done = fixed_name.resume(context, run.id, now) if wanted or resuming else None
    if done is None:
        if not wanted:
            return None
        images = context.queries.images(run.master, run.client, kind=run.kind)
        rows = [row for row in images if row.run == run.id]
        if not rows or rows[0].resource is None:
            return None
        done = fixed_name.take_fixed_name(context, rows[0], run.id, now)
    if done.moved:
        return None
    if done.stuck:
        raise NimwrapError(f"{names.fixed_name(run.client)} is between two images: {done.reason}")
    return Failure(
        FailureCode.NIM_REFUSED,
        f"the image is good, but keeps its dated name {done.resource}: {done.reason}",
        f"{names.fixed_name(run.client)} still means the older image; the next backup tries again",
    )


def _said(verdict: PruneDecision) -> str:
    return f"{verdict.row.location}: {verdict.action}: {verdict.reason}"
