"""The hooks that a backup would run, as far as their words are known before it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from nimwrap.config.model import HOOK_OF_COPY, HOOK_OF_FLEET, HOOK_OF_RUN, Config
from nimwrap.domain.ref import ClientRef
from nimwrap.hooks.hook_choice import filled, hooks_for


@dataclass(frozen=True)
class PlannedHook:
    """One hook as it is run ``where`` (a host's name, or ``control``)."""

    when: str
    where: str
    command: str


def planned_hooks(config: Config, ref: ClientRef, kind: str) -> Iterator[PlannedHook]:
    """The hooks of one image, those of its fleet and its copies among them, in the order of a run."""
    begin, *ends = HOOK_OF_RUN
    first, last = HOOK_OF_FLEET
    for when in (first, begin, *ends, HOOK_OF_COPY, last):
        of_client = {} if when in HOOK_OF_FLEET else {"client": ref.client, "kind": kind}
        for hook in hooks_for(config, when, [ref]):
            where = {"client": ref.client, "master": ref.master}.get(hook.on, hook.on)
            yield PlannedHook(when, where, shlex.join(filled(hook, {"master": ref.master, **of_client})))
