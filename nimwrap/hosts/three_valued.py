"""An answer from a host is yes, no, or nobody knows; nothing can take the third for the second."""

from __future__ import annotations

from typing import NoReturn


class ThreeValued:
    """Base of whatever a host answers. It has no truth value: whoever asks says what each of the three means."""

    returncode: int | None

    @property
    def succeeded(self) -> bool:
        """It was done, and ended with status 0."""
        return self.returncode == 0

    @property
    def failed(self) -> bool:
        """It was done, and ended with another status."""
        return self.returncode is not None and self.returncode != 0

    @property
    def unknown(self) -> bool:
        """Nobody knows: the line was cut, its time was up, or the channel failed. It may be going on over there."""
        return self.returncode is None

    def __bool__(self) -> NoReturn:
        raise TypeError("an answer is no truth value: ask for .succeeded, .failed or .unknown")
