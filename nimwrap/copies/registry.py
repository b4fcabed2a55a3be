"""The kinds of copies by name."""

from __future__ import annotations

from nimwrap.copies import command_copy, nim_copy, path_copy
from nimwrap.copies.base import CopyKind

KINDS: dict[str, CopyKind] = {kind.name: kind for kind in (path_copy.KIND, nim_copy.KIND, command_copy.KIND)}
