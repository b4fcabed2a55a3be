"""The kinds by name, and what holds over all of them.

A new kind is a module of its own here, called like the kind, and its name in ``config.model.KINDS``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from importlib import import_module

from nimwrap.config.model import KINDS as NAMES
from nimwrap.config.model import BackupPolicy
from nimwrap.domain.names import PLAIN_KIND, dated_name
from nimwrap.domain.ref import MASTER
from nimwrap.images.kinds.base import ImageKind, ImageNames

KINDS: dict[str, ImageKind] = {name: import_module(f"nimwrap.images.kinds.{name}").KIND for name in NAMES}


def kind_of(name: str) -> ImageKind:
    """A kind by name; an unknown one (a later version's) is taken for a plain mksysb."""
    return KINDS.get(name, KINDS[PLAIN_KIND])


def kinds_of(policy: BackupPolicy, client: str) -> tuple[str, ...]:
    """The kinds to make of a client: for the master those it makes of itself, else the others; what goes first, first.

    Where none of the configured ones fits, all of them: preflight then says what is wrong.
    """
    if len(policy.kinds) == 1:
        return policy.kinds
    local = client == MASTER
    fitting = [kind for kind in policy.kinds if KINDS[kind].through_client != local]
    return tuple(sorted(fitting, key=lambda kind: not KINDS[kind].first)) or policy.kinds


def images_of(policy: BackupPolicy, client: str) -> list[tuple[str, str]]:
    """Each image that is made of a client: its kind, and the volume group where it is made of each."""
    return [
        (kind, group)
        for kind in kinds_of(policy, client)
        for group in (policy.volume_groups if KINDS[kind].several else ("",))
    ]


def image_names(kind: str, client: str, policy: BackupPolicy, moment: datetime, volume_group: str = "") -> ImageNames:
    """The dated names of an image begun at ``moment``; with ``naming = "fixed"`` they are the temporary ones."""
    made = KINDS[kind]
    name = dated_name(made.stem(client, volume_group), moment)
    return ImageNames(name if made.resource_type else None, f"{home(client, policy)}/{name}.{made.extension}")


def home(client: str, policy: BackupPolicy) -> str:
    """The directory on the master that this client's images lie in."""
    base = policy.directory.rstrip("/")
    return f"{base}/{client}" if policy.layout == "per-client" else base


def resource_types() -> dict[str, str]:
    """NIM's types of image resource, each with the kind that it stands for when nothing else is known about it."""
    found: dict[str, str] = {}
    for kind in KINDS.values():
        if kind.resource_type is not None:
            found.setdefault(kind.resource_type, kind.name)
    return found


def machine_types() -> tuple[str, ...]:
    """NIM's types of machine that images are made of, without the master's own."""
    return tuple(dict.fromkeys(type_ for kind in KINDS.values() if kind.through_client for type_ in kind.machine_types))


def client_programs() -> tuple[str, ...]:
    """What the making of an image is called in a client's process table."""
    return tuple(dict.fromkeys(program for kind in KINDS.values() for program in kind.programs))


def kinds_for(machine_types: Iterable[str]) -> list[str]:
    """The kinds that can be made of a machine of one of these types."""
    wanted = set(machine_types)
    return [kind.name for kind in KINDS.values() if wanted & set(kind.machine_types)]
