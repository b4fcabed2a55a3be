"""The kinds of copies by name."""

from __future__ import annotations

from nimwrap.config.model import CONTROL, CopyConfig
from nimwrap.copies import command_copy, control_copy, nim_copy, path_copy
from nimwrap.copies.base import CopyKind

KINDS: dict[str, CopyKind] = {kind.name: kind for kind in (path_copy.KIND, nim_copy.KIND, command_copy.KIND)}


def kind_at(place: CopyConfig) -> CopyKind:
    """The kind of a place, by where its program runs too."""
    return control_copy.KIND if place.kind == control_copy.KIND.name and place.on == CONTROL else KINDS[place.kind]
