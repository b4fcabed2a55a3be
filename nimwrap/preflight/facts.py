"""A fact: what one question was answered, read, or why it could not be had."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from nimwrap.hosts.script_batch import Answer

T = TypeVar("T")
NOT_FOUND = frozenset({126, 127})
"""Statuses of a shell that could not run the command at all."""


class FactError(Exception):
    """A check needs a fact that could not be had; ``raw`` is what was said instead."""

    def __init__(self, reason: str, raw: str = "") -> None:
        super().__init__(reason)
        self.reason, self.raw = reason, raw


@dataclass(frozen=True)
class Fact(Generic[T]):
    """Either a ``value`` with the ``raw`` text it was read from, or the reason why it is ``missing``."""

    value: T | None = None
    raw: str = ""
    missing: str = ""

    def need(self) -> T:
        """The value; raises FactError when there is none."""
        if self.value is None:
            raise FactError(self.missing, self.raw)
        return self.value


def read(answers: Mapping[str, Answer], name: str, command: str, parse: Callable[[str], T]) -> Fact[T]:
    """The answer ``name`` through ``parse`` (ValueError: not understood); ``command`` is what people call it."""
    answer = answers.get(name)
    if answer is None:
        return Fact(missing=f"`{command}` was not answered")
    if answer.returncode is None:
        return Fact(raw=answer.output, missing=f"`{command}` did not end in time")
    if answer.returncode in NOT_FOUND:
        return Fact(raw=answer.output, missing=f"`{command}` cannot be run there")
    try:
        return Fact(parse(answer.output), answer.output)
    except ValueError:
        return Fact(raw=answer.output, missing=f"the output of `{command}` was not understood")


def raw_text(answers: Mapping[str, Answer], name: str) -> str:
    """What was printed for question ``name``, whatever its end; empty when it was not answered."""
    answer = answers.get(name)
    return answer.output if answer else ""
