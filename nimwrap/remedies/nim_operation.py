"""NIM's own operation, without a remedy: for a client whose packets leave from the address that NIM lets in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nimwrap.domain.attempt_plan import NIM, AttemptPlan
from nimwrap.remedies.base import STAGING_FAILED, ExportListing, Step, Work, home_step, nim_step

if TYPE_CHECKING:
    from nimwrap.preflight.check_context import CheckContext


class NimOperation:
    """See :class:`nimwrap.remedies.base.Remedy`. It changes no export, and NIM cleans the client up itself."""

    name = NIM
    own_directory = False

    def obstacle(self, s: CheckContext) -> None:
        return None

    def plan(self, draft: AttemptPlan, work: Work, hosts: tuple[str, ...], exports: ExportListing) -> AttemptPlan:
        return draft

    def steps(self, plan: AttemptPlan, work: Work) -> list[Step]:
        return [home_step(plan), nim_step(plan, work)]

    def command(self, plan: AttemptPlan, work: Work) -> str:
        home, make = self.steps(plan, work)
        return f"{home.command} || exit {STAGING_FAILED}\n{make.command}\n"

    def undo(self, plan: AttemptPlan, applied: str = "") -> None:
        return None

    def clean_client(self, plan: AttemptPlan) -> None:
        return None


REMEDY = NimOperation()
