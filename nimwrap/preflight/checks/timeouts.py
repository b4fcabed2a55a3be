"""Which questions got no answer in the time they had: what the other checks could not know."""

from __future__ import annotations

from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import ok, warn
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.facts import Fact, Missing


def deadline(s: CheckContext) -> Finding:
    """Every question has a limit, and so has the whole preflight; what stayed open is named."""
    sides: list[tuple[str, list[Fact[object]]]] = [(s.ref.master, list(vars(s.on_master).values()))]
    if s.channel is not None and s.channel.reached:
        sides.append((s.ref.client, list(vars(s.client).values())))
    open_ones = [
        f"{fact.why} on {name}"
        for name, facts in sides
        for fact in facts
        if fact.missing is not None and fact.missing.hangs
    ]
    if not open_ones:
        return ok("every question was answered in time")
    return warn(
        "; ".join(open_ones),
        "run the command there by hand and see why it hangs; `nimwrap check` then asks again",
        "\n".join(fact.raw for _, facts in sides for fact in facts if fact.missing is Missing.TIMED_OUT),
    )
