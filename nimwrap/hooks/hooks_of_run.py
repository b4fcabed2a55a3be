"""The hooks of one run: those that may keep it from beginning, and those that hear how it ended."""

from __future__ import annotations

from dataclasses import dataclass

from nimwrap.config.model import HookConfig
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.records import Run
from nimwrap.domain.ref import ClientRef
from nimwrap.hooks.hook_choice import HookPoint, hooks_for
from nimwrap.hooks.hook_end import HookEnd
from nimwrap.hooks.run_hook import run_hook, states
from nimwrap.master_context import MasterContext

_NEVER = HookEnd(None, "")
_MADE = (Outcome.OK, Outcome.WARNING)
_BROKEN = (Outcome.FAILED, Outcome.REFUSED)


@dataclass(frozen=True)
class KeptFromBeginning:
    """The end of a run that a hook of ``before`` did not let begin."""

    outcome: Outcome
    failure: Failure


def run_before(context: MasterContext, run: Run) -> KeptFromBeginning | None:
    """Run the hooks of ``before`` once for a run, in their order; the first that does not go on ends it."""
    for hook in _hooks(context, run, "before"):
        end = run_hook(context, hook, _point(run, "before", {}))
        if end.skips:
            said = f"left out on purpose by the hook {hook.run[0]}: {end.why}"
            return KeptFromBeginning(Outcome.SKIPPED, Failure(FailureCode.EXCLUDED, said, "", end.output))
        if not end.good:
            return KeptFromBeginning(Outcome.REFUSED, _failed(run, hook, end))
    return None


def run_after(
    context: MasterContext, run: Run, outcome: Outcome, failure: Failure | None
) -> tuple[Outcome, Failure | None]:
    """Run the hooks that hear of this end, each once; what they do to it: at most a warning where the image is good.

    Raises Interrupted when we are told to leave, StoreUnavailable where they cannot be journalled.
    """
    if not context.config.hooks:
        return outcome, failure
    ended = {"outcome": outcome, "code": failure.code if failure else ""}
    if outcome in _MADE:
        when, ended["location"] = "after", run.image.location if run.image else ""
    elif outcome in _BROKEN or _was_let_begin(context, run):
        when = "failed"
    else:
        return outcome, failure
    _settle_before(context, run)
    for hook in _hooks(context, run, when):
        why = _heard(context, hook, _point(run, when, ended))
        if why is not None and outcome is Outcome.OK:
            outcome, failure = Outcome.WARNING, why
    return outcome, failure


def _heard(context: MasterContext, hook: HookConfig, point: HookPoint) -> Failure | None:
    """Run one hook; why it is a warning."""
    from nimwrap.history.history_errors import StoreUnavailable

    try:
        end = run_hook(context, hook, point)
    except StoreUnavailable:
        raise
    except NimwrapError as error:
        end = HookEnd(None, error.message)
        context.note(point.run, "warning", f"hook {hook.run[0]} ({point.when}): {error.message}")
    return None if end.good or end.skips else _warning(hook, end)


def _was_let_begin(context: MasterContext, run: Run) -> bool:
    """Whether a hook of ``before`` did what it does, so that one of ``failed`` may have to take it back."""
    known = states(context, _point(run, "before", {}))
    return any(when == "before" and (end is None or end.good) for (when, _), end in known.items())


def _settle_before(context: MasterContext, run: Run) -> None:
    """A hook of ``before`` that a crash cut off comes to its end first: what takes it back comes after it."""
    known = states(context, _point(run, "before", {}))
    for hook in _hooks(context, run, "before"):
        if known.get(("before", hook.number), _NEVER) is None:
            _heard(context, hook, _point(run, "before", {}))


def _hooks(context: MasterContext, run: Run, when: str) -> list[HookConfig]:
    return hooks_for(context.config, when, [ClientRef(run.master, run.client)])


def _point(run: Run, when: str, more: dict[str, str]) -> HookPoint:
    values = {"client": run.client, "master": run.master, "run": run.id, "kind": run.kind, **more}
    return HookPoint(when, run.id, run.master, run.client, run.id, values)


def _failed(run: Run, hook: HookConfig, end: HookEnd) -> Failure:
    said = f"the hook {hook.run[0]} on {hook.on} does not let {run.client} begin: {end.why}"
    fix = "see what it says (nimwrap show); status 0 lets a client begin, 75 leaves it out on purpose"
    return Failure(FailureCode.HOOK_FAILED, said, fix, end.output)


def _warning(hook: HookConfig, end: HookEnd) -> Failure:
    said = f"the image is good; the hook {hook.run[0]} ({hook.when}, on {hook.on}) failed: {end.why}"
    return Failure(FailureCode.HOOK_FAILED, said, "see what it says (nimwrap show)", end.output)
