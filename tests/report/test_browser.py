"""The report in a real browser: what it shows is what the history holds, and it loads nothing."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nimwrap.config.load import load
from nimwrap.config.model import Config
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from nimwrap.monitoring.report.page import page
from tests.report.browser import CHROMIUM, Tab, browsing
from tests.report.site import NOW, build

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM, reason="there is no Chromium on this machine"),
]
CUT = """() => [...document.querySelectorAll('main *')].filter(e => {
  if (!e.textContent.trim() || e.closest('svg, .wide') || getComputedStyle(e).display == 'inline') return false;
  const box = e.getBoundingClientRect();
  return e.scrollWidth > e.clientWidth + 1 || (box.width && box.right > document.documentElement.clientWidth + 1);
}).map(e => e.tagName + ' ' + e.className)"""
"""Elements outside drawings and scrolling tables whose text is wider than they are."""
DATA = "[...document.querySelectorAll({!r})].map(e => ({{...e.dataset}}))"
HOSTILE = "<script>alert(1)</script>"
BREAKING = "a\"b'c</svg></title></style>"
IMAGE = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def tab(site: Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    directory = tmp_path_factory.mktemp("browser")
    path = directory / "report.html"
    with Reader.open(site.database) as reader:
        path.write_text(page(site, reader, NOW))
    with browsing(directory / "profile") as opened:
        opened.open(path)
        yield opened


@pytest.fixture
def rows(site: Config) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(site.database)
    connection.row_factory = sqlite3.Row
    yield connection
    connection.close()


def elements(tab: Tab, selector: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = tab.value(DATA.format(selector))
    return found


def test_the_verdict_in_one_sentence(tab: Tab) -> None:
    assert tab.value("document.querySelector('h1').textContent") == "2 of 14 clients are not protected."
    assert tab.value("document.querySelector('h1').dataset.verdict") == "critical"


def test_the_calendar_counts_what_the_history_holds(tab: Tab, rows: sqlite3.Connection) -> None:
    counted: dict[str, dict[str, str]] = {}
    sql = "select date(started, '-12 hours') as night, outcome, count(*) as n from runs group by 1, 2"
    for row in rows.execute(sql):
        counted.setdefault(row["night"], {})[row["outcome"]] = str(row["n"])
    shown = {cell.pop("night"): cell for cell in elements(tab, "svg.calendar g.night")}
    assert {night: cell for night, cell in shown.items() if cell} == counted
    assert len(shown) == 35  # a night without runs is there, and empty


def test_the_timeline_shows_each_run_of_the_last_night(tab: Tab, rows: sqlite3.Connection) -> None:
    sql = (
        "select r.id, client, outcome, count(a.id) as n from runs r left join attempts a on a.run = r.id"
        " where r.started >= '2026-11-22T12' group by r.id order by r.started"
    )
    expected = [
        {"run": row["id"], "client": row["client"], "outcome": row["outcome"], "attempts": str(row["n"])}
        for row in rows.execute(sql)
    ]
    assert elements(tab, "svg.timeline g.run") == expected
    (beside,) = elements(tab, "svg.atonce")
    spans = rows.execute("select started, ended from attempts where started >= '2026-11-22T12'").fetchall()
    peak = max(sum(began <= moment < ended for began, ended in spans) for moment, _ in spans)
    assert beside == {"master": "nim", "peak": str(peak), "cap": "3"}


def test_the_trends_are_those_of_the_images(tab: Tab, rows: sqlite3.Connection) -> None:
    shown = tab.value("document.querySelector('tr[data-client=sapci] svg.spark').dataset.values")
    sql = "select size_bytes from images where client = 'sapci' order by created desc limit 20"
    assert shown == ",".join(str(row[0]) for row in reversed(rows.execute(sql).fetchall()))


def test_failures_are_counted_by_cause(tab: Tab, rows: sqlite3.Connection) -> None:
    sql = "select failure_code, count(*) from runs where failure_code is not null group by 1 order by 2 desc"
    expected = {code: str(count) for code, count in rows.execute(sql)}
    shown = elements(tab, "article.cause")
    assert {cause["code"]: cause["count"] for cause in shown} == expected
    assert [int(cause["open"]) > 0 for cause in shown] == sorted(
        (int(cause["open"]) > 0 for cause in shown), reverse=True
    )
    assert "let nimwrap open the export" in tab.value(
        "document.querySelector('article.cause[data-code=export_denied] .fix').textContent"
    )


def test_each_run_stands_with_who_held_the_address(tab: Tab, rows: sqlite3.Connection) -> None:
    sql = "select id, outcome, cluster from runs where client in ('powerha1', 'powerha2')"
    expected = {
        row["id"]: (row["outcome"], json.loads(row["cluster"])["resource_groups"][0]["node"])
        for row in rows.execute(sql)
    }
    marks = elements(tab, "svg.holders g.mark")
    assert {mark["run"]: (mark["outcome"], mark["holder"]) for mark in marks} == expected


def test_room_is_what_the_last_run_measured(tab: Tab, rows: sqlite3.Connection) -> None:
    sql = "select data from findings f join runs r on r.id = f.run order by r.started desc limit 1"
    free = str(json.loads(rows.execute(sql).fetchone()[0])["free_bytes"])
    (room,) = elements(tab, "svg.room")
    assert room["free"] == free
    assert "Full around" in tab.value("document.querySelector('#room').parentElement.textContent")


def test_it_asks_for_nothing_and_complains_about_nothing(tab: Tab) -> None:
    assert [url for url in tab.requests if not url.startswith(("file:", "about:"))] == []
    assert len([url for url in tab.requests if url.startswith("file:")]) == 1
    assert tab.console == []


def test_dark_and_light(tab: Tab) -> None:
    background = "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)"
    seen = {}
    for scheme in ("light", "dark"):
        tab.prefer(scheme)
        seen[scheme] = sum(tab.value(background))
    assert seen["light"] > 700
    assert seen["dark"] < 100


@pytest.mark.parametrize("pixels", [390, 1280, 1920])
def test_nothing_sticks_out_and_no_text_is_cut(tab: Tab, pixels: int) -> None:
    tab.width(pixels)
    try:
        assert tab.value("document.documentElement.scrollWidth") <= pixels
        assert tab.value(f"({CUT})()") == []
    finally:
        tab.width(1100)


def test_clients_stand_first_and_every_mention_leads_to_a_row(tab: Tab) -> None:
    sections = tab.value("[...document.querySelectorAll('section')].map(e => e.getAttribute('aria-labelledby'))")
    assert sections[:2] == ["clients", "todo"]
    dead = "filter(a => !document.getElementById(a.hash.slice(1))).length"
    assert tab.value(f"[...document.querySelectorAll('a[href]')].{dead}") == 0
    leads = "every(a => document.querySelector(a.hash).dataset.client == a.textContent)"
    for place in ("dl.steps", "article.cause", "article.cluster", "tbody th"):
        assert tab.value(f"[...document.querySelectorAll('{place} a')].{leads}"), place
    assert tab.value("document.querySelectorAll('dl.steps dt a').length") >= 5
    worst = "document.querySelector('#is-critical tr').dataset.verdict"
    assert tab.value(worst) == "critical"


def test_what_is_to_be_done_has_cause_and_cure(tab: Tab) -> None:
    cause = "document.querySelector('dl.steps .cause-of').textContent"
    assert tab.value(cause) == "never backed up: no good image is known"
    assert tab.value("document.querySelectorAll('dl.steps .cure').length") == tab.value(
        "document.querySelectorAll('dl.steps .cause-of').length"
    )


def test_failures_that_are_healed_are_marked(tab: Tab) -> None:
    told = tab.value("document.querySelector('article.cause[data-code=export_denied]').textContent")
    assert "healed" in told
    assert "Healed, a good image since: powerha2, powerha1." in " ".join(told.split())
    assert "Still: sapdb." in tab.value("document.querySelector('article.cause[data-code=space_short]').textContent")


def test_print_fits_the_paper(tab: Tab) -> None:
    tab.ask("Emulation.setEmulatedMedia", media="print", features=[])
    tab.width(688)  # A4 without its margins, at 96 dots an inch
    try:
        assert tab.value("document.documentElement.scrollWidth") <= 688
        assert tab.value("getComputedStyle(document.querySelector('nav')).display") == "none"
        assert tab.value("[...document.querySelectorAll('.wide')].every(e => e.scrollWidth <= e.clientWidth + 1)")
    finally:
        tab.ask("Emulation.setEmulatedMedia", media="", features=[])
        tab.width(1100)


def test_everything_has_a_name_for_those_who_cannot_see_it(tab: Tab) -> None:
    assert tab.value("[...document.querySelectorAll('svg')].every(e => e.getAttribute('aria-label'))")
    assert tab.value("[...document.querySelectorAll('table')].every(e => e.caption && e.tHead)")
    assert tab.value("[...document.querySelectorAll('h1,h2,h3')].map(e => e.tagName)[0]") == "H1"
    assert tab.value("document.querySelectorAll('h1').length") == 1


def test_hostile_names_and_outputs_stay_text(tab: Tab, tmp_path: Path) -> None:
    config = load(build(tmp_path, names={"sapdb": HOSTILE, "powerha1": BREAKING}))
    with Store.open(config.database) as store, store.writing("test") as database:
        database.conn.execute(
            "update runs set failure_message = ?, failure_fix = ? where failure_code is not null",
            (f"{HOSTILE}\x1b[31m\u202e", f"`{IMAGE}` first"),
        )
    path = tmp_path / "hostile.html"
    with Reader.open(config.database) as reader:
        path.write_text(page(config, reader, NOW))
    tab.requests.clear()
    tab.open(path)
    assert tab.value("document.querySelectorAll('script, img').length") == 0
    assert HOSTILE in tab.value("[...document.querySelectorAll('tbody th')].map(e => e.textContent.trim())")
    assert {HOSTILE, BREAKING} <= {run["client"] for run in elements(tab, "svg.timeline g.run")}
    assert HOSTILE in tab.value("document.querySelector('article.cause p').textContent")
    assert tab.value("document.querySelector('article.cause .fix code').textContent") == IMAGE
    assert not {"\x1b", "\u202e"} & set(path.read_text())
    assert tab.requests == [path.as_uri()]
    assert tab.console == []
