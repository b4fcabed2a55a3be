"""How a hook ended, and what it said, made harmless."""

from __future__ import annotations

from dataclasses import dataclass

from nimwrap.master_context import EVIDENCE_LIMIT

GO_ON, SKIP, TIMED_OUT = 0, 75, 143


@dataclass(frozen=True)
class HookEnd:
    """``returncode`` None: nobody knows how it ended, and ``output`` says why."""

    returncode: int | None
    output: str
    took_s: float = 0.0

    @property
    def good(self) -> bool:
        return self.returncode == GO_ON

    @property
    def skips(self) -> bool:
        return self.returncode == SKIP

    @property
    def why(self) -> str:
        """Its end in words, with the last that it said."""
        said = [line.strip() for line in self.output.splitlines() if line.strip()]
        how = f"status {self.returncode}"
        if self.returncode is None:
            how = "its end is not known"
        elif self.returncode == TIMED_OUT:
            how = f"status {TIMED_OUT}: it was ended, by its timeout or by somebody"
        return f"{how} ({said[-1][:200]})" if said else how


def cleaned(output: str) -> str:
    """The end of an output without control characters, which could do something to a terminal or a page."""
    tail = output[-EVIDENCE_LIMIT:].replace("\r\n", "\n")
    return "".join(char if char in "\n\t" or char.isprintable() else "?" for char in tail)
