"""What a way to make an image is: where it cannot work, what it plans, runs, undoes and leaves on the client."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from nimwrap.config.model import BackupPolicy
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.findings import Failure
from nimwrap.images.kinds.base import ImageNames, ImageOrder
from nimwrap.images.kinds.registry import KINDS

if TYPE_CHECKING:
    from nimwrap.preflight.check_context import CheckContext

EXPORT_FAILED = 95
"""Status of an operation whose export change did not take."""
JOB_LOST = 94
"""Status of an operation whose job on the client is gone without a result."""
STAGING_FAILED = 96
"""Status of an operation that could not make the image's directory."""


@dataclass(frozen=True)
class Work:
    """What one run is asked to make. ``clock`` is the master's time, from which the image gets its name;
    ``sizes`` are those of this client's earlier images in bytes, newest first; ``volume_group`` only for savevg."""

    kind: str
    policy: BackupPolicy
    clock: datetime
    sizes: tuple[int, ...] = ()
    volume_group: str = ""


@dataclass(frozen=True)
class Step:
    """One command of an attempt, as it is run ``where`` (a host's name)."""

    where: str
    command: str


@dataclass(frozen=True)
class Obstacle:
    """Why a way cannot be gone here, and what would clear it (empty for nothing short of another configuration)."""

    why: str
    fix: str = ""


@dataclass(frozen=True)
class ClientCleanup:
    """``script`` takes away from the client what lies at ``path``; it refuses while something still writes there."""

    path: str
    script: str


ExportListing = Callable[[], str]
"""Asks the master, when it is called, what ``exportfs`` lists."""


class Remedy(Protocol):
    """One way to make an image; stateless. All that it needs later lies in the plan, so that any process can go on."""

    @property
    def name(self) -> str:
        """As the configuration, the history and the plan call it."""

    @property
    def own_directory(self) -> bool:
        """Whether what it opens holds nothing but the image that is being made."""

    def obstacle(self, s: CheckContext) -> Obstacle | None:
        """Why it cannot work beside what stands there now."""

    def plan(
        self, draft: AttemptPlan, work: Work, hosts: tuple[str, ...], exports: ExportListing
    ) -> AttemptPlan | Failure:
        """``draft`` with what this way changes for ``hosts``, or why it cannot; ``exports`` asks what is exported."""

    def steps(self, plan: AttemptPlan, work: Work) -> list[Step]:
        """What is run, in order, the undo of its own changes included; the operation is made of these very commands."""

    def command(self, plan: AttemptPlan, work: Work) -> str:
        """The detached operation as shell text for the master; its status is that of what makes the image."""

    def undo(self, plan: AttemptPlan, applied: str = "") -> str | None:
        """The script that takes the export change back whatever stands there by then; None without a change.

        ``applied``: the entry's options as exportfs showed them after the change, where the spool says it no more.
        """

    def clean_client(self, plan: AttemptPlan) -> ClientCleanup | None:
        """How the client is rid of what this way left there; None where NIM cleans up after itself."""


def home_step(plan: AttemptPlan) -> Step:
    """The image's own directory must be there; NIM does not make it (0042-154, aix-nim 6.2)."""
    directory = shlex.quote(plan.directory)
    return Step(plan.master, f"[ -d {directory} ] || mkdir -p {directory}")


def order_of(plan: AttemptPlan, work: Work) -> ImageOrder:
    """What the plan's kind of image is asked to make."""
    names = ImageNames(plan.resource or None, plan.staged)
    return ImageOrder(plan.client, work.policy, names, work.volume_group, plan.force)


def nim_step(plan: AttemptPlan, work: Work) -> Step:
    """What the master itself runs to make the image, with what the configuration gives NIM to know."""
    made = KINDS[work.kind].making(order_of(plan, work))
    known = "".join(f"{key}={shlex.quote(value)}; export {key}; " for key, value in sorted(plan.env.items()))
    return Step(plan.master, f"{known}{made.command}")
