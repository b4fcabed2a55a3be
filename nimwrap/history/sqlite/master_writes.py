"""The writes about a master as a whole: what was found standing there, and whether anything may be removed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING

from nimwrap.history.sqlite import statements

if TYPE_CHECKING:
    from sqlite_utils import Database

    from nimwrap.domain.left_export import LeftExport

Moment = datetime | str


class MasterWrites(ABC):
    """Part of the store, which says what a transaction is."""

    @abstractmethod
    def writing(self, what: str, *, hurried: bool = False) -> AbstractContextManager[Database]:
        """One transaction."""

    def images_seen(self, image_ids: Sequence[int], at: Moment) -> None:
        """These images were looked at, whatever was found."""
        if image_ids:
            with self.writing("images_seen", hurried=True) as database:
                statements.set_seen(database, image_ids, at)

    def exports_left(self, master: str, left: Iterable[LeftExport], at: Moment) -> None:
        """What the master exports without a reason, instead of what was seen there before."""
        with self.writing("exports_left", hurried=True) as database:
            statements.set_exports_left(database, master, left, at)

    def stop_removals(self, master: str, why: str, at: Moment) -> None:
        """No image of this master is removed until :meth:`resume_removals`."""
        with self.writing("stop_removals") as database:
            statements.stop_removals(database, master, why, at)

    def resume_removals(self, master: str, at: Moment) -> bool:
        """A person has looked; False when nothing was stopped."""
        with self.writing("resume_removals") as database:
            return statements.resume_removals(database, master, at)
