"""What a master wrote in the last night, how many images at once, and what one more or fewer would have made of it."""

from __future__ import annotations

from datetime import datetime
from math import fsum

from nimwrap.history.ports import Queries


def night_rates(reader: Queries, master: str, since: datetime, until: datetime) -> str:
    """In two sentences, by what was measured while the number was learned; empty where nothing was."""
    rates = reader.learned_rates(master, since, until)
    seconds = fsum(rate.seconds for rate in rates)
    if not seconds:
        return ""

    def mean(name: str) -> float:
        return fsum(getattr(rate, name) * rate.seconds for rate in rates) / seconds

    most = max(rate.rate_bytes_s for rate in rates)
    return (
        f"{mean('rate_bytes_s') / 1e6:.0f} MB/s on average and {most / 1e6:.0f} MB/s at most, by {mean('writers'):.1f}"
        f" images at once; the knee was at about {mean('knee'):.0f}. With one more at once the night would have taken"
        f" {_change(mean('one_more'))}, with one fewer {_change(mean('one_fewer'))}."
    )


def _change(total: float) -> str:
    """How much longer a night is with this share of the total rate."""
    longer = 1 / max(total, 0.01) - 1
    if abs(longer) < 0.005:
        return "as long"
    return f"{abs(longer):.0%} {'longer' if longer > 0 else 'less'}"
