"""Which hooks are run at a point, and their words as they are run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from nimwrap.config.model import Config, HookConfig
from nimwrap.config.value_types import Words
from nimwrap.domain.groups import expanded
from nimwrap.domain.ref import ClientRef
from nimwrap.domain.target_names import matches


@dataclass(frozen=True)
class HookPoint:
    """Where a hook is run: ``key`` names what it belongs to (a run, mostly), ``values`` are what its words may name.

    ``client`` is empty for a whole fleet run, ``run`` for what belongs to no run of the history.
    """

    when: str
    key: str
    master: str
    client: str = ""
    run: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)


def hooks_for(config: Config, when: str, refs: Iterable[ClientRef]) -> list[HookConfig]:
    """The hooks of a point that mean at least one of these clients, in the order of the configuration."""
    of_point = [hook for hook in config.hooks if hook.when == when]
    if not of_point:
        return []
    clients = list(refs)
    return [hook for hook in of_point if any(means(config, hook, ref) for ref in clients)]


def means(config: Config, hook: HookConfig, ref: ClientRef) -> bool:
    """Whether a hook is for this client."""
    return any(matches(wanted.target, ref) for wanted in expanded(hook.targets, config.groups))


def filled(hook: HookConfig, values: Mapping[str, str]) -> tuple[str, ...]:
    """The words of a hook; what is not known yet stays as it stands there. Nothing of a value is read again."""
    return tuple(Words.hole.sub(lambda hole: values.get(hole[1], hole[0]), word) for word in hook.run)
