"""The state of the site as text: the table for a person, the line for Nagios."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nimwrap.cli.output.nagios_text import nagios_text
from nimwrap.cli.output.printer import Printer
from nimwrap.cli.time_args import short
from nimwrap.domain.durations import format_duration, rfc3339
from nimwrap.domain.local_time import zone
from nimwrap.domain.verdict import Verdict, texts

if TYPE_CHECKING:
    from nimwrap.monitoring.cluster_views import ClusterView
    from nimwrap.monitoring.protection import ClientView, Protection

_NAGIOS = {Verdict.OK: 0, Verdict.WARNING: 1, Verdict.CRITICAL: 2, Verdict.UNKNOWN: 3}
_SCREEN = 60
"""On a terminal, more clients than this are shown without those that are fine."""
_STEPS = 20


def nagios_line(found: Protection) -> tuple[int, str]:
    """Exit code and the one line, faults first, with perfdata."""
    names = found.named
    bad = [f"{names[view.ref]}: {view.judged.reasons[0].text}" for view in found.bad]
    bad += [fault.text for fault in found.faults]
    summary = f"{found.count(Verdict.OK)} of {len(found.clients)} clients protected"
    held = sum(view.hold is not None for view in found.clients)
    oldest = max((view.age_s for view in found.clients if view.age_s is not None and not view.excluded), default=0)
    counts = [f"{verdict}={found.count(verdict)}" for verdict in Verdict]
    perf = " ".join([*counts, f"held={held}", f"oldest={oldest:.0f}s"])
    return _NAGIOS[found.verdict], nagios_text(found.verdict.upper(), summary, bad, perf)


def show(out: Printer, found: Protection, *, bad_only: bool = False) -> None:
    """The table, worst first, then the clusters, what to do, and the verdict in a sentence at the end."""
    shown = found.bad if bad_only else [view for view in found.clients if not _left_out(out, found, view)]
    if shown:
        names = found.named
        out.table(
            ("client", "verdict", f"last good ({zone()})", "age", "last run", "next run", "why"),
            [_row(out, names[view.ref], view) for view in shown],
        )
    if len(shown) < len(found.clients):
        left = len(found.clients) - len(shown)
        rest = f"{left} client more is fine" if left == 1 else f"{left} clients more are fine"
        out.line(f"{rest}." if bad_only else f"{rest}; in a pipe, or with --json, all are shown.")
    for cluster in found.clusters:
        out.line(_cluster(found, cluster))
    for view in found.clients:
        if view.machines:
            told = "; ".join(f"{one.machine_id} ({one.images}, newest {short(one.newest)})" for one in view.machines)
            out.line(f"{found.named[view.ref]} has been {len(view.machines)} machines: {told}")
    if drilled := [(found.named[view.ref], view.last_drill) for view in found.clients if view.last_drill]:
        rows = [(name, short(one.begun), one.level, out.word(one.outcome), one.reason or "") for name, one in drilled]
        out.table(("last restore tried", "when", "level", "outcome", "why"), rows)
    for fault in found.faults:
        out.line(f"{out.word(str(fault.verdict))}: {fault.text}")
    _what_to_do(out, found)
    if found.clients:
        out.line(f"{out.word(str(found.verdict))}: {found.sentence} {_inventories(found)}")


def _inventories(found: Protection) -> str:
    """How old the picture of NIM's clients is: of several masters, that of the oldest."""
    several = len({view.ref.master for view in found.clients}) > 1
    if found.inventory_age_s is None:
        return "Of a master there is no inventory yet." if several else "The inventory is incomplete."
    age = f"{format_duration(found.inventory_age_s)} old"
    return f"The oldest of the masters' inventories is {age}." if several else f"The inventory is {age}."


def _left_out(out: Printer, found: Protection, view: ClientView) -> bool:
    fine = view.judged.verdict is Verdict.OK and view.hold is None
    return fine and out.terminal and len(found.clients) > _SCREEN


def _row(out: Printer, name: str, view: ClientView) -> tuple[object, ...]:
    return (
        f"{name} ({view.cluster})" if view.cluster else name,
        out.word(str(view.judged.verdict)),
        short(view.row.last_good),
        format_duration(view.age_s) if view.age_s is not None else "never",
        out.word(view.row.last_outcome or ""),
        short(rfc3339(view.next_run)) if view.next_run else "",
        texts(view.judged.reasons),
    )


def _cluster(found: Protection, cluster: ClusterView) -> str:
    """``powerha: service address 10.20.0.52 on powerha1, as a run saw 3h ago``."""
    seen = cluster.seen
    if seen is None:
        return f"{cluster.name}: no run has looked at this cluster yet"
    addresses = " ".join(seen.service_addresses)
    where = f"on {seen.holder}" if seen.holder else "on no node"
    ago = format_duration((found.at - seen.at).total_seconds())
    state = f" ({seen.state})" if seen.state else ""
    return f"{cluster.name}{state}: service address {addresses or 'unknown'} {where}, as a run saw {ago} ago"


def _what_to_do(out: Printer, found: Protection) -> None:
    from nimwrap.monitoring.report.next_steps import grouped, some

    names = found.named
    steps = grouped((names[view.ref], view.advice) for view in found.clients)
    for clients, step in steps[:_STEPS]:
        out.fix(step, of=some(clients))
    if len(steps) > _STEPS:
        out.line(f"{len(steps) - _STEPS} more fixes: nimwrap status --json, or nimwrap report")
