"""Of what somebody is told: the words of ``[notify] on``."""

from __future__ import annotations

from enum import StrEnum

DIGEST = "digest"
"""Told once a week, also where all is well."""


class AlertKind(StrEnum):
    """In the order in which a message tells them; ``heading`` stands over its part."""

    FAILED = "failed"
    OVERDUE = "overdue"
    WARNING = "warning"
    RECOVERED = "recovered"

    @property
    def heading(self) -> str:
        return "Overdue: no good image for too long" if self is AlertKind.OVERDUE else self.value.capitalize()
