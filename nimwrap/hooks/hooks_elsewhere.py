"""The hooks of a fleet run and of a proven copy, which belong to no run that goes on: a failure is a warning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress

from nimwrap.domain.clock import Interrupted
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.ref import ClientRef
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.installation import installation_id
from nimwrap.history.model import ImageRow
from nimwrap.history.run_lease import RunLease
from nimwrap.hooks.hook_choice import HookPoint, hooks_for
from nimwrap.hooks.run_hook import run_hook
from nimwrap.master_context import MasterContext


def run_of_fleet(
    contexts: Mapping[str, MasterContext], when: str, refs: Iterable[ClientRef], values: Mapping[str, str]
) -> Iterator[str]:
    """Run ``fleet-before`` or ``fleet-after``: on each master whose clients a hook means, on this machine once.

    Yields what went wrong, in words.
    """
    clients = list(refs)
    some = next(iter(contexts.values()), None)
    for hook in hooks_for(some.config, when, clients) if some else ():
        meant = [ref for ref in clients if hooks_for(contexts[ref.master].config, when, [ref]).count(hook)]
        masters = list(dict.fromkeys(ref.master for ref in meant))
        for master in masters if hook.on == "master" else masters[:1]:
            context = contexts[master]
            stamp = f"{context.clock.now():%Y%m%dT%H%M%S%f}"
            named = {**values, "master": master if hook.on == "master" else " ".join(masters)}
            point = HookPoint(when, f"{own_prefix(context)}{stamp}", master, values=named)
            with RunLease(context.config.state_dir, point.key):
                try:
                    end = run_hook(context, hook, point)
                except NimwrapError as error:
                    yield f"hook {hook.run[0]} ({when}): {error.message}"
                else:
                    if not (end.good or end.skips):
                        yield f"hook {hook.run[0]} ({when}, on {hook.on}) failed: {end.why}"


def run_copied(context: MasterContext, row: ImageRow, copy: CopyRow) -> None:
    """Run the hooks of a copy that is proven; what goes wrong is noted, and changes nothing about the copy."""
    values = {
        "client": row.client,
        "master": row.master,
        "run": row.run or "",
        "kind": row.kind,
        "location": copy.location,
        "copy": copy.name,
        "image": row.resource or row.location,
    }
    for hook in hooks_for(context.config, "copied", [row.ref]):
        key = f"{own_prefix(context)}copy{copy.id}-{context.clock.now():%H%M%S%f}"
        point = HookPoint("copied", key, row.master, row.client, row.run, values)
        with suppress(Interrupted), RunLease(context.config.state_dir, key):
            try:
                end = run_hook(context, hook, point)
            except NimwrapError as error:
                context.note(row.run, "warning", f"hook {hook.run[0]} (copied): {error.message}")
            else:
                if not (end.good or end.skips):
                    context.note(row.run, "warning", f"hook {hook.run[0]} (copied) failed: {end.why}")


def own_prefix(context: MasterContext) -> str:
    """Begins the names of what belongs to no run: by it this installation knows what is its own."""
    return f"hook-{installation_id(context.config.state_dir)[:12]}-"
