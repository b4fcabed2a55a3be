"""What to do about a client that is not fine: one line that can be followed at night."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nimwrap.domain.ref import ClientRef
from nimwrap.domain.verdict import Judged, ReasonCode, Verdict
from nimwrap.history.model import FleetRow

if TYPE_CHECKING:
    from nimwrap.monitoring.protection import ClientView


def next_steps(name: str, judged: Judged, row: FleetRow, *, held: bool, scheduled: bool | None) -> str:
    """The next step for a client, most urgent fault first; empty where there is nothing to do."""
    if judged.verdict is Verdict.OK:
        return ""
    failed = row.last_outcome in ("failed", "refused")
    steps = (
        (failed and row.failure_fix, row.failure_fix),
        (failed, f"nimwrap show {row.last_run} has the evidence"),
        (row.vanished, f'define it in NIM again, or say `exclude = true` under [clients."{name}"]'),
        (held, f"nimwrap release {name}, when the reason is gone"),
        (scheduled is False, "name it in the targets of a schedule; nimwrap schedule list shows them"),
        (_uncopied(judged), f"nimwrap images copy {name} tries again; nimwrap images copies {name} says what is there"),
        (judged.overdue, f"nimwrap check {name} shows what a backup would meet; nimwrap backup {name} makes one"),
    )
    return next((str(step) for meant, step in steps if meant), "")


def _uncopied(judged: Judged) -> bool:
    codes = {ReasonCode.ONLY_ONE_COPY, ReasonCode.COPY_FAILED, ReasonCode.COPY_LATE}
    return judged.reasons[0].code in codes


def grouped(steps: Iterable[tuple[str, str]]) -> list[tuple[list[str], str]]:
    """(client, step) pairs as steps with all clients that need each, in the order of their first."""
    found: dict[str, list[str]] = {}
    for client, step in steps:
        if step:
            found.setdefault(step, []).append(client)
    return [(clients, step) for step, clients in found.items()]


@dataclass(frozen=True)
class ToDo:
    """One cure, whom it helps, and what is wrong with them: the first reasons, each once."""

    clients: tuple[ClientRef, ...]
    causes: tuple[str, ...]
    cure: str


_CAUSES = 2


def todos(clients: Iterable[ClientView]) -> list[ToDo]:
    """What is to be done about clients that are not fine, in the order of the worst of each."""
    found: dict[str, list[ClientView]] = {}
    for view in clients:
        if view.advice:
            found.setdefault(view.advice, []).append(view)
    return [
        ToDo(
            tuple(view.ref for view in views),
            tuple(dict.fromkeys(reason.text for view in views for reason in view.judged.reasons[:1]))[:_CAUSES],
            cure,
        )
        for cure, views in found.items()
    ]


def some(names: list[str], most: int = 5) -> str:
    """The first names of a list, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
