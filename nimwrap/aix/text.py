"""What every parser shares: lines, and the error that says "this is not the output I know"."""

from __future__ import annotations

EXCERPT = 200


class Unrecognised(ValueError):  # noqa: N818  the rooms agreed on this name
    """Output of ``command`` that its parser does not know; ``excerpt`` is its beginning, for the evidence."""

    def __init__(self, command: str, text: str) -> None:
        self.command = command
        self.excerpt = text.strip()[:EXCERPT]
        said = f"output not recognised: {self.excerpt!r}" if self.excerpt else "no output"
        super().__init__(f"{command}: {said}")


def lines(text: str) -> list[str]:
    """The lines of ``text`` without line ends; only newlines part lines, so odd bytes stay where they are."""
    return [line.rstrip("\r") for line in text.split("\n")]
