"""What can be seen of an attempt that has not come to its end: the columns of the recovery table, and their values.

Whatever a host is asked for may be unknown, which is neither of the other answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WishIs(StrEnum):
    """What the asker wants of an operation that is still at work."""

    LEAVE = "leave"
    FOLLOW = "follow"
    CANCEL = "cancel"


class OwnerIs(StrEnum):
    """Whose the run is: the asker's own, a living process's, nobody's, or nobody knows."""

    SELF = "self"
    NOBODY = "nobody"
    LIVING = "living"
    UNKNOWN = "unknown"


class RunIs(StrEnum):
    """Open until its true end is written down; another nimwrap's when this history has no row of it."""

    OPEN = "open"
    CLOSED = "closed"
    FOREIGN = "foreign"


class DirectoryIs(StrEnum):
    """The operation's directory in the spool: at its place, put aside for later, gone, or nobody knows."""

    THERE = "there"
    ASIDE = "aside"
    GONE = "gone"
    UNKNOWN = "unknown"


class OperationIs(StrEnum):
    """At work, ended by its wrapper, broken off with its wrapper dead, not there at all, or nobody knows."""

    ALIVE = "alive"
    ENDED = "ended"
    BROKEN = "broken"
    NONE = "none"
    UNKNOWN = "unknown"


class LockIs(StrEnum):
    """The client's lock: not asked for yet, held by this run, held by another, or nobody knows."""

    UNASKED = "unasked"
    OURS = "ours"
    ANOTHERS = "another's"
    UNKNOWN = "unknown"


class UndoIs(StrEnum):
    """The undo of the export change, and what it answered.

    ``NONE``: nothing stands, and that is written down. ``DUE``: it lies there and has not taken anything back.
    ``LOST``: the journal has the change open and the undo is not there. ``REVERTED``, ``REFUSED`` and ``FOREIGN`` are
    its answers, not yet written down; ``STANDS``: written down as still open.
    """

    NONE = "none"
    DUE = "due"
    LOST = "lost"
    REVERTED = "reverted"
    REFUSED = "refused"
    FOREIGN = "foreign"
    STANDS = "stands"
    UNKNOWN = "unknown"


class EndIs(StrEnum):
    """Whether the attempt's end was judged, and written down."""

    UNJUDGED = "unjudged"
    GOOD = "good"
    FAILED = "failed"
    RECORDED = "recorded"


class ImageIs(StrEnum):
    """Where the history has an image of this attempt: nowhere, where it was made, or in its place."""

    NONE = "none"
    STAGED = "staged"
    PLACED = "placed"


class PlaceIs(StrEnum):
    """Whose the image's place is: the attempt began nothing where it found another's image there."""

    OURS = "ours"
    ANOTHERS = "another's"


class RestIs(StrEnum):
    """What the attempt may have left on client and master: not looked for yet, nothing, or something."""

    UNSEEN = "unseen"
    NONE = "none"
    LEFT = "left"


@dataclass(frozen=True)
class Seen:
    """What was seen of one attempt, at one moment."""

    wish: WishIs
    owner: OwnerIs
    run: RunIs
    directory: DirectoryIs
    operation: OperationIs
    lock: LockIs
    undo: UndoIs
    end: EndIs
    image: ImageIs
    place: PlaceIs
    rest: RestIs
