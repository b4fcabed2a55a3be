"""The rows of the report's clients are written by hand: nothing from outside may become markup in them."""

from __future__ import annotations

from dataclasses import replace

from nimwrap.config.model import Config
from nimwrap.domain.durations import format_size
from nimwrap.domain.verdict import Judged, Reason, ReasonCode, Verdict
from nimwrap.history.sqlite.queries import Reader
from nimwrap.monitoring.protection import protection
from nimwrap.monitoring.report.client_rows import client_rows, spark
from nimwrap.monitoring.report.trends import Trend
from tests.report.site import NOW

HOSTILE = "<b a='1' b=\"2\">&\x1b"
SAFE = "&lt;b a=&#x27;1&#x27; b=&quot;2&quot;&gt;&amp;\N{REPLACEMENT CHARACTER}"


def test_every_client_has_its_row_and_text_from_outside_stays_text(site: Config) -> None:
    with Reader.open(site.database) as reader:
        found = protection(site, reader, NOW)
    reason = Reason(Verdict.WARNING, ReasonCode.RUN_FAILED, f"it said {HOSTILE}; try `nimwrap check`")
    first = found.clients[0]
    row = first.row._replace(last_run="r1", last_started=NOW.isoformat(), last_outcome=HOSTILE)
    hostile = replace(first, cluster=HOSTILE, row=row, judged=Judged(Verdict.WARNING, (reason,)), advice=HOSTILE)
    found = replace(found, clients=(hostile, *found.clients[1:]))
    names = found.named | {first.ref: HOSTILE}
    page = str(client_rows(found, names, {view.ref: Trend([], []) for view in found.clients}))
    assert all(f'<tr data-client="{name}"' in page for ref, name in names.items() if ref != first.ref)
    assert page.count("<tbody") == page.count("</tbody>") == len(found.clients)
    assert HOSTILE not in page
    assert page.count(SAFE) == 7  # name twice, cluster, outcome as class and as word, reason, advice
    assert f"it said {SAFE}; try <code>nimwrap check</code>" in page


def test_a_trend_says_its_values_and_ends_in_its_newest() -> None:
    drawn = spark([1024, 3072, 2048], "image sizes", format_size)
    assert 'data-values="1024,3072,2048"' in drawn
    assert 'aria-label="image sizes of the last 3: 1.0 KiB to 2.0 KiB"' in drawn
    points = drawn.split('points="')[1].split('"')[0].split()
    assert [point.split(",")[0] for point in points] == ["2", "46", "90"]
    heights = [int(point.split(",")[1]) for point in points]
    assert heights[1] < heights[2] < heights[0], "the larger, the nearer to the top"
    assert f'cx="90" cy="{heights[-1]}"' in drawn
    assert spark([5], "x", format_size) == ""
    assert 'points="2,17 90,17"' in spark([7, 7], "x", format_size), "a level line, whatever its height"
