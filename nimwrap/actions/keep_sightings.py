"""What a command that only looks has seen of image files on its way is kept, and counts for everybody at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nimwrap.history.history_errors import StoreUnavailable
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from nimwrap.images.sightings import write_down

if TYPE_CHECKING:
    from datetime import datetime

    from nimwrap.config.model import Config
    from nimwrap.domain.sighting import Sightings


def keep_sightings(
    config: Config, master: str, seen: Sightings, now: datetime, warn: Callable[[str, str], None]
) -> None:
    """Write down what was seen on a master; ``warn`` hears of a history that cannot be written to."""
    if not seen.places:
        return
    try:
        with Store.open(config.database) as store, Reader.open(config.database) as reader:
            write_down(store, reader, master, seen, now)
    except StoreUnavailable as error:
        warn(f"what was seen of the images is not recorded: {error.message}", error.hint)
