"""A signal that comes at the worst moment, made to come at every moment."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

LIMIT_S = 20


def survives(act: Callable[[], object], handler: Callable[[], object]) -> bool:
    """True when ``act`` ends although ``handler`` runs before each of its lines, those of the library included.

    Python runs a signal's handler between two lines of the main thread, whatever locks that holds; so a handler
    that needs one of them waits for itself.
    """
    came: set[tuple[object, int]] = set()

    def before(frame: FrameType, event: str, _argument: object) -> Any:
        line = (frame.f_code, frame.f_lineno)
        if event == "line" and line not in came:  # once each: a loop that serves what it is told would never end
            came.add(line)
            handler()
        return before

    def interrupted() -> None:
        sys.settrace(before)
        act()
        sys.settrace(None)

    thread = threading.Thread(target=interrupted, daemon=True)
    thread.start()
    thread.join(LIMIT_S)
    assert came, "nothing was interrupted"
    return not thread.is_alive()
