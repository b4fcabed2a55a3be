"""What every parser shares: lines, and the error that says "this is not the output I know"."""

from __future__ import annotations

from nimwrap.domain.errors import NimwrapError

EXCERPT = 200


class Unrecognised(NimwrapError, ValueError):  # noqa: N818  the rooms agreed on this name
    """Output of ``command`` that its parser does not know; ``excerpt`` is its beginning, for the evidence.

    An error of ours like any other: wherever nobody expects it, it is told, and ends what it met in order.
    """

    def __init__(self, command: str, text: str) -> None:
        self.command = command
        self.excerpt = text.strip()[:EXCERPT]
        said = f"output not recognised: {self.excerpt!r}" if self.excerpt else "no output"
        super().__init__(f"{command}: {said}", hint="nimwrap doctor --observe records what this host prints; report it")


def lines(text: str) -> list[str]:
    """The lines of ``text`` without line ends; only newlines part lines, so odd bytes stay where they are."""
    return [line.rstrip("\r") for line in text.split("\n")]
