"""A fact: what one question was answered, read, or why it could not be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from nimwrap.hosts.script_batch import Answer

T = TypeVar("T")
NOT_FOUND = frozenset({126, 127})
"""Statuses of a shell that could not run the command at all."""


class Missing(StrEnum):
    """Why there is no value; each ends the sentence that begins with what was asked."""

    NOT_ASKED = "was not asked"
    UNANSWERED = "was not answered"
    TIMED_OUT = "did not end in time"
    UNAVAILABLE = "cannot be run there"
    FAILED = "failed"
    UNREADABLE = "was not understood"

    @property
    def hangs(self) -> bool:
        """True when the answer did not come in the time it had."""
        return self in (Missing.UNANSWERED, Missing.TIMED_OUT)


class FactError(Exception):
    """A check needs a fact that could not be had; ``raw`` is what was said instead."""

    def __init__(self, reason: str, raw: str = "") -> None:
        super().__init__(reason)
        self.reason, self.raw = reason, raw


@dataclass(frozen=True)
class Fact(Generic[T]):
    """Either a ``value`` with the ``raw`` text it was read from, or why it is ``missing``, and ``why`` for people."""

    value: T | None = None
    raw: str = ""
    missing: Missing | None = None
    why: str = ""

    def need(self) -> T:
        """The value; raises FactError when there is none."""
        if self.value is None:
            raise FactError(self.why, self.raw)
        return self.value


def absent(missing: Missing, asked: str, raw: str = "") -> Fact[T]:
    """No value; ``asked`` is what people call the question."""
    return Fact(raw=raw, missing=missing, why=f"{asked} {missing}")


def read(answers: Mapping[str, Answer], name: str, command: str, parse: Callable[[str], T]) -> Fact[T]:
    """The answer ``name`` through ``parse`` (ValueError: not understood); ``command`` is what people call it."""
    answer = answers.get(name)
    if answer is None:
        return absent(Missing.UNANSWERED, f"`{command}`")
    if answer.unknown:
        return absent(Missing.TIMED_OUT, f"`{command}`", answer.output)
    if answer.returncode in NOT_FOUND:
        return absent(Missing.UNAVAILABLE, f"`{command}`", answer.output)
    try:
        return Fact(parse(answer.output), answer.output)
    except ValueError:
        return absent(Missing.UNREADABLE, f"the output of `{command}`", answer.output)


def raw_text(answers: Mapping[str, Answer], name: str) -> str:
    """What was printed for question ``name``, whatever its end; empty when it was not answered."""
    answer = answers.get(name)
    return "" if answer is None else answer.output
