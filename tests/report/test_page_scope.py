"""A page since some day, or about some clients; and which night a page shows."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from nimwrap.config.load import load
from nimwrap.domain.codes import Outcome
from nimwrap.domain.records import Run
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from nimwrap.monitoring.report.nights import evening_of, last_night
from tests.report.site import NOW, build
from tests.running import Cli


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = build(tmp_path)
    path.write_text('site_name = "Melbourne & Co"\n' + path.read_text())
    return path


def written(run_cli: Cli, config: Path, *arguments: str) -> str:
    path = config.parent / "page.html"
    ran = run_cli("report", "--output", path, *arguments, "--json", config=config)
    assert (ran.exit_code, ran.data["path"]) == (0, str(path))
    return path.read_text()


def test_the_site_stands_in_the_title(run_cli: Cli, config: Path) -> None:
    page = written(run_cli, config)
    assert re.search(r"<title>Melbourne &amp; Co: \d+ of 14 clients are not protected.</title>", page)


def test_some_clients_have_a_page_with_their_runs(run_cli: Cli, config: Path) -> None:
    page = written(run_cli, config, "--client", "sapdb", "--client", "powerha*", "--since", "3650d")
    assert set(re.findall(r'data-client="([^"]+)" data-verdict', page)) == {"sapdb", "powerha1", "powerha2"}
    assert 'id="room"' not in page
    assert 'svg class="calendar' not in page
    runs = re.findall(r'<tr data-run="[^"]*-([a-z0-9]+)-[0-9a-f]+">', page)
    assert set(runs) == {"sapdb", "powerha1", "powerha2"}
    assert page.count("healed since") > 5
    assert run_cli("report", "--client", "nobody", config=config).exit_code == 2


def test_since_is_where_failures_and_nights_begin(run_cli: Cli, config: Path) -> None:
    whole = written(run_cli, config, "--since", "3650d")
    assert 'data-code="export_denied"' in whole
    assert '<article class="cause' not in written(run_cli, config, "--since", "1s")
    assert run_cli("report", "--since", "yesterday", config=config).exit_code == 2


def test_the_usual_page_is_left_alone(run_cli: Cli, config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = config.parent / "usual.html"
    config.write_text(config.read_text() + f'[report]\nhtml = "{usual}"\n')
    assert run_cli("report", "--json", config=config).data["path"] == str(usual)
    before = usual.read_text()
    part = run_cli("report", "--client", "sapdb", "--output", config.parent / "part.html", config=config)
    assert (part.exit_code, usual.read_text()) == (0, before)


def test_a_backup_by_hand_at_noon_is_not_the_last_night(config: Path) -> None:
    loaded = load(config)
    with Reader.open(loaded.database) as reader:
        before = last_night(reader)
    begun = NOW + timedelta(hours=12)
    with Store.open(loaded.database) as store:
        store.record_run(Run("by-hand", "sapdb", "nim", begun, Outcome.OK, ended=begun + timedelta(minutes=5)))
    with Reader.open(loaded.database) as reader:
        shown = last_night(reader)
    assert before is not None
    assert shown is not None
    assert shown.night.evening == before.night.evening == evening_of(NOW)
    assert len(shown.runs) > 5
