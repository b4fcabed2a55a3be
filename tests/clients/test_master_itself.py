"""A master with images of its own is a client like the others, to whoever looks."""

from __future__ import annotations

from pathlib import Path

import pytest

from nimwrap.estate import Estate
from tests.notify.conftest import Mailbox, mailbox  # noqa: F401  a fixture
from tests.running import Cli, ConfigWriter


@pytest.fixture
def config(estate: Estate, estate_config: ConfigWriter, tmp_path: Path) -> Path:
    estate.instant()
    (tmp_path / "schedules").mkdir()
    (tmp_path / "schedules" / "weekly.toml").write_text('[weekly]\ncron = "0 1 * * sun"\ntargets = ["*"]\n')
    return estate_config(clients={"master": {"kinds": ["nim_db"]}})


def verdicts(run_cli: Cli, config: Path, *more: str) -> dict[str, str]:
    ran = run_cli("status", "--json", *more, config=config)
    return {one["client"]: one["verdict"] for one in ran.data["clients"]}


def test_never_made_it_is_a_fault_in_every_view(run_cli: Cli, config: Path, estate: Estate) -> None:
    assert verdicts(run_cli, config, "--refresh")["master"] == "critical"
    others = ["powerha1", "powerha2", "aix01", "aix02"]
    assert run_cli("backup", *others, config=config).exit_code == 0
    assert {name for name, verdict in verdicts(run_cli, config).items() if verdict != "ok"} == {"master"}
    line = run_cli("status", "--nagios", config=config)
    assert line.exit_code == 2
    assert line.stdout.startswith("NIMWRAP CRITICAL - 4 of 5 clients protected; master: never backed up")
    assert 'client="master"' in run_cli("metrics", config=config).stdout
    page = estate.root / "page.html"
    assert run_cli("report", "--output", page, config=config).exit_code == 0
    assert "1 of 5 clients is not protected" in page.read_text()
    (slot,) = run_cli("schedule", "next", "--json", config=config).data["slots"]
    assert "master" in {one["client"] for one in slot["clients"]}


def test_made_it_is_protected_and_the_schedule_makes_it(run_cli: Cli, config: Path) -> None:
    run = run_cli("schedule", "run", "weekly", "--json", config=config)
    assert (run.exit_code, run_cli("status", config=config).exit_code) == (0, 0)
    assert {one["client"]: one["kind"] for one in run.data["runs"]}["master"] == "nim_db"
    assert verdicts(run_cli, config)["master"] == "ok"
    assert "All 5 clients are protected." in run_cli("status", config=config).stdout
    assert [one["client"] for one in run_cli("history", "master", "--json", config=config).data["runs"]] == ["master"]


def test_status_knows_it_before_the_next_inventory_and_forgets_it_when_it_is_not_wanted_any_more(
    run_cli: Cli, config: Path
) -> None:
    wanting = config.read_text()
    config.write_text(wanting.replace('kinds = ["nim_db"]', ""))
    assert "master" not in verdicts(run_cli, config, "--refresh")
    config.write_text(wanting)
    assert verdicts(run_cli, config)["master"] == "critical"
    assert run_cli("backup", "master", config=config).exit_code == 0
    assert verdicts(run_cli, config)["master"] == "ok"
    config.write_text(wanting.replace('kinds = ["nim_db"]', ""))
    assert "master" not in verdicts(run_cli, config)
    assert "master" not in verdicts(run_cli, config, "--refresh")
    config.write_text(wanting)
    assert verdicts(run_cli, config)["master"] == "ok"


def test_whoever_is_told_of_faults_is_told_of_it(
    run_cli: Cli,
    config: Path,
    estate: Estate,
    mailbox: Mailbox,  # noqa: F811
) -> None:
    url = config.with_name("url")
    url.write_text(mailbox.url)
    config.write_text(f'{config.read_text()}\n[notify]\nurls = ["file:{url}"]\n')
    run_cli("backup", "aix01", config=config)
    assert "- master: never backed up: no good nim_db image is known" in mailbox.mails[0].get_content()
