"""What a master wrote in the last night, how many images at once, and what one more or fewer would have made of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import fsum
from typing import TYPE_CHECKING

from nimwrap.monitoring.report.svg import Markup, drawing, tag
from nimwrap.monitoring.report.timeline_chart import LEFT, WIDTH, Scale

if TYPE_CHECKING:
    from nimwrap.history.sqlite.parallel_memory import WriteRate

_TOP, _BAND = 8, 56
"""Of each of the two bands: the total rate above, how many wrote and the knee below."""


def night_rates(rates: Sequence[WriteRate]) -> str:
    """In two sentences, by what was measured while the number was learned; empty where nothing was."""
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


def rates_chart(master: str, rates: Sequence[WriteRate], scale: Scale) -> Markup:
    """The total rate over the night; below it how many images wrote at once, and where the knee was (dashed)."""
    if not rates:
        return Markup("")
    fastest = max(rate.rate_bytes_s for rate in rates)
    most = max(max(rate.writers, rate.knee) for rate in rates)
    lower = _TOP + _BAND + 14
    knee = [_step(rate, scale, lower + _BAND * (1 - rate.knee / most)) for rate in rates]
    last = rates[-1]
    parts = [
        tag(
            "path", d=_area([(rate, rate.rate_bytes_s / (fastest or 1)) for rate in rates], scale, _TOP), class_="area"
        ),
        tag("text", f"{fastest / 1e6:.0f} MB/s", x=LEFT - 8, y=_TOP + 10, class_="axis name"),
        tag("path", d=_area([(rate, rate.writers / most) for rate in rates], scale, lower), class_="area"),
        tag("path", d=" ".join(f"M{x:.0f} {y:.0f}H{until:.0f}" for x, until, y in knee), class_="knee"),
        tag("text", f"knee {last.knee:.0f}", x=LEFT - 8, y=f"{knee[-1][2] + 4:.0f}", class_="axis name"),
    ]
    label = f"{master}: at most {fastest / 1e6:.0f} MB/s in all; the knee was at about {last.knee:.0f} images at once"
    return drawing(WIDTH, lower + _BAND + 6, label, *parts, class_="rates", data_master=master)


def _step(rate: WriteRate, scale: Scale, y: float) -> tuple[float, float, float]:
    return scale.x(rate.at), scale.x(rate.at + timedelta(seconds=rate.seconds)), y


def _area(shares: Sequence[tuple[WriteRate, float]], scale: Scale, top: float) -> str:
    steps = [_step(rate, scale, top + _BAND * (1 - share)) for rate, share in shares]
    bottom = top + _BAND
    return " ".join(f"M{x:.0f} {bottom:.0f}V{y:.0f}H{until:.0f}V{bottom:.0f}Z" for x, until, y in steps)


def _change(total: float) -> str:
    """How much longer a night is with this share of the total rate."""
    longer = 1 / max(total, 0.01) - 1
    if abs(longer) < 0.005:
        return "as long"
    return f"{abs(longer):.0%} {'longer' if longer > 0 else 'less'}"
