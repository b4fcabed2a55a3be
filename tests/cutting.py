"""A host whose answers are lost, refused or not understood where a test says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from nimwrap.hosts.protocol import CommandResult, Host

LOST = CommandResult(None, "", "", 0.0)


@dataclass
class CutHost:
    """``meet`` sees every script with the way to run it, and gives the answer that its caller gets, or None to let
    it through; ``seen`` keeps all scripts."""

    host: Host
    meet: Callable[[str, Callable[[], CommandResult]], CommandResult | None]
    seen: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.host.name

    def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
        self.seen.append(script)
        answer = self.meet(script, lambda: self.host.run(script, timeout=timeout))
        return self.host.run(script, timeout=timeout) if answer is None else answer

    def close(self) -> None:
        self.host.close()


def lost_once(host: Host, *words: str, after: bool = False) -> CutHost:
    """The first script with all ``words`` in it is lost: before it ran, or ``after``."""
    met: list[str] = []

    def meet(script: str, run: Callable[[], CommandResult]) -> CommandResult | None:
        if met or not all(word in script for word in words):
            return None
        met.append(script)
        if after:
            run()
        return LOST

    return CutHost(host, meet)


def answered_once(host: Host, word: str, answer: CommandResult) -> CutHost:
    """The first script with ``word`` in it is not run: ``answer`` is what its caller gets."""
    met: list[str] = []

    def meet(script: str, run: Callable[[], CommandResult]) -> CommandResult | None:
        if met or word not in script:
            return None
        met.append(script)
        return answer

    return CutHost(host, meet)


def bent(host: Host, old: str, new: str) -> CutHost:
    """Every script with ``old`` in it runs with ``new`` instead."""

    def meet(script: str, run: Callable[[], CommandResult]) -> CommandResult | None:
        return host.run(script.replace(old, new), timeout=600) if old in script else None

    return CutHost(host, meet)


def refuse(program: Path, pattern: str, says: str = "0042-001 refused") -> None:
    """From now on this program of the estate refuses every call whose words match the shell pattern; "" ends that.

    The test stands in the launcher's shell half, before it becomes Python or Perl.
    """
    text = re.sub(r"true; case .*? esac; *\n?", "", program.read_text())
    if pattern:
        refusal = f'true; case "$*" in {pattern}) echo {says} >&2; exit 1;; esac; '
        before, after = ("''''", "") if "''''" in text else ("\n", "\n")
        text = text.replace(before, f"{before}{refusal}{after}", 1)
    program.write_text(text)
