"""The known names that a mistyped word is near to: the one place where this is asked."""

from __future__ import annotations

from collections.abc import Iterable

_LONGEST = 255
"""No longer part of a word is compared: the time grows with its square."""


def nearest_names(word: str, known: Iterable[str], at_most: int = 1, likeness: float = 0.6) -> list[str]:
    """Up to ``at_most`` of the known names, the nearest first; empty when none is near."""
    from difflib import get_close_matches

    return get_close_matches(word[:_LONGEST], list(known), at_most, likeness)


def did_you_mean(word: str, known: Iterable[str], form: str = "{}", at_most: int = 1, likeness: float = 0.6) -> str:
    """The question whether the nearest known names were meant, each put into ``form``; empty when none is near."""
    near = [form.format(name) for name in sorted(nearest_names(word, known, at_most, likeness))]
    return f"did you mean {' or '.join(near)}?" if near else ""
