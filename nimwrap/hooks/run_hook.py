"""One hook: journalled before it is run, run once whoever comes to it, its end kept as evidence."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path

from nimwrap.config.model import HookConfig
from nimwrap.domain.errors import NimwrapError
from nimwrap.hooks.hook_choice import HookPoint, filled
from nimwrap.hooks.hook_end import HookEnd, cleaned
from nimwrap.hooks.on_control import ControlHook, clear_room, run_here
from nimwrap.hooks.on_master import MasterHook, clear_there, run_there
from nimwrap.master_context import MasterContext

KIND = "hook"
BEGINS, ENDED = "begins", "ended"


def run_hook(context: MasterContext, hook: HookConfig, point: HookPoint) -> HookEnd:
    """Run a hook to its end; one that ended before is not run again, one that was begun is followed.

    Raises Interrupted when we are told to leave, NimwrapError when it cannot be journalled or the master is silent.
    """
    known = states(context, point)
    name = f"{point.key}.{point.when}.{hook.number}"
    if isinstance(done := known.get((point.when, hook.number)), HookEnd):
        return done
    argv = filled(hook, point.values)
    text = f"{point.when} on {hook.on}: {shlex.join(argv)}"
    told = {"hook": hook.number, "when": point.when, "on": hook.on, "argv": list(argv)}
    began = context.clock.now()
    if (point.when, hook.number) not in known:
        _event(context, point, text, {**told, "state": BEGINS})
    end = _carried_out(context, hook, point, name, argv)
    took = max(0.0, (context.clock.now() - began).total_seconds())
    end = replace(end, output=cleaned(end.output), took_s=took)
    data = {**told, "state": ENDED, "returncode": end.returncode, "stdout": end.output, "duration_s": round(took, 3)}
    _event(context, point, text, data)
    if point.run:
        context.log(point.run, f"{KIND} {text}: {end.why}", began)
    _clear(context, hook, name)
    return end


def states(context: MasterContext, point: HookPoint) -> dict[tuple[str, int], HookEnd | None]:
    """By point and number, the hooks of a run that were begun, and how they ended; None where that is not recorded."""
    found: dict[tuple[str, int], HookEnd | None] = {}
    if not point.run or point.key != point.run:
        return found
    for event in context.queries.events(point.run):
        if event.kind == KIND and isinstance(event.data, dict):
            key = (str(event.data["when"]), int(event.data["hook"]))
            found.setdefault(key, None)
            if event.data["state"] == ENDED:
                found[key] = HookEnd(event.data["returncode"], str(event.data["stdout"]), event.data["duration_s"])
    return found


def room_on_control(context: MasterContext, name: str) -> Path:
    """Where a hook on this machine keeps what it said."""
    return context.config.state_dir / "hooks" / name


def _carried_out(
    context: MasterContext, hook: HookConfig, point: HookPoint, name: str, argv: tuple[str, ...]
) -> HookEnd:
    if hook.on == "control":
        return run_here(ControlHook(room_on_control(context, name), argv, hook.timeout), context.clock)
    client = point.client if hook.on == "client" else ""
    return run_there(context, MasterHook(name, argv, hook.timeout, client))


def _event(context: MasterContext, point: HookPoint, text: str, data: dict[str, object]) -> None:
    at = context.clock.now()
    context.store.event(KIND, text, run=point.run, master=point.master, data=data, at=at)


def _clear(context: MasterContext, hook: HookConfig, name: str) -> None:
    """What is left by a master that is silent now is taken away by the next recover."""
    if hook.on == "control":
        clear_room(room_on_control(context, name))
        return
    try:
        clear_there(context, name)
    except NimwrapError:
        return
