"""Status, Nagios line, metrics, report and digest say the same of every client: they have it from one place."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nimwrap.config.load import load
from nimwrap.domain.alert_kind import AlertKind
from nimwrap.history.sqlite.queries import Reader
from nimwrap.monitoring.alerts.alert_states import news, states_of
from nimwrap.monitoring.alerts.digest import digest
from nimwrap.monitoring.protection import protection
from tests.report.site import GONE, HELD, NEVER, OLD, UNSCHEDULED, build
from tests.running import Cli

prometheus = pytest.importorskip("prometheus_client.parser")

NUMBERS = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}
EXPECTED = {
    NEVER: ("critical", "never backed up"),
    OLD: ("critical", "11d 0h old, the limit is 8d 0h"),
    HELD: ("warning", "held: datacentre move"),
    UNSCHEDULED: ("warning", "no schedule covers this client"),
    GONE: ("warning", "NIM does not list this client any more"),
    "sapdb": ("warning", "the last run failed: 3.1 GiB free"),
}


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("site"), now=datetime.now(UTC))


@pytest.fixture
def clients(config: Path, run_cli: Cli) -> dict[str, dict[str, Any]]:
    """``data.clients[]`` of status, by name."""
    ran = run_cli("status", "--json", config=config)
    assert ran.exit_code == 1
    return {client["client"]: client for client in ran.data["clients"]}


@pytest.mark.parametrize("name", EXPECTED)
def test_status_names_the_fault(name: str, clients: dict[str, dict[str, Any]]) -> None:
    verdict, reason = EXPECTED[name]
    assert clients[name]["verdict"] == verdict
    assert reason in "; ".join(clients[name]["reasons"])
    assert clients[name]["fix"]


def test_everybody_else_is_fine(clients: dict[str, dict[str, Any]]) -> None:
    assert {name for name, client in clients.items() if client["verdict"] != "ok"} == set(EXPECTED)


def test_metrics_agree(config: Path, clients: dict[str, dict[str, Any]], run_cli: Cli) -> None:
    families = {
        family.name: family.samples
        for family in prometheus.text_string_to_metric_families(run_cli("metrics", config=config).stdout)
    }

    def of(name: str) -> dict[str, float]:
        return {sample.labels["client"]: sample.value for sample in families[f"nimwrap_{name}"]}

    assert of("client_verdict") == {name: NUMBERS[client["verdict"]] for name, client in clients.items()}
    assert of("client_held") == {name: bool(client["hold"]) for name, client in clients.items()}
    assert of("client_overdue") == {name: client["overdue"] for name, client in clients.items()}
    assert of("client_never_backed_up") == {name: client["never_backed_up"] for name, client in clients.items()}
    sizes = {name: client["last_good"]["size_bytes"] for name, client in clients.items() if client["last_good"]}
    assert of("last_success_size_bytes") == sizes
    (site,) = families["nimwrap_site_verdict"]
    assert site.value == NUMBERS["critical"]


def test_nagios_agrees(config: Path, clients: dict[str, dict[str, Any]], run_cli: Cli) -> None:
    ran = run_cli("status", "--nagios", config=config)
    (line,) = ran.lines
    said, _, perfdata = line.partition(" | ")
    assert ran.exit_code == 2
    assert said.startswith("NIMWRAP CRITICAL - 8 of 14 clients protected; newlpar: never backed up")
    counted = dict(pair.split("=") for pair in perfdata.split())
    for verdict in NUMBERS:
        assert int(counted[verdict]) == sum(client["verdict"] == verdict for client in clients.values())
    assert counted["held"] == "1"


def test_the_digest_agrees(config: Path, clients: dict[str, dict[str, Any]]) -> None:
    loaded = load(config)
    with Reader.open(loaded.database) as reader:
        found = protection(loaded, reader, datetime.now(UTC))
    body = digest(news(found, {}, states_of(found), AlertKind), found, "ctl").body
    assert set(re.findall(r"^- ([a-z0-9]+): ", body, re.MULTILINE)) == set(EXPECTED)
    for name, client in clients.items():
        if client["fix"]:
            assert f"fix: {client['fix']}" in body, name


def test_the_report_agrees(config: Path, clients: dict[str, dict[str, Any]], run_cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    ran = run_cli("report", "--output", path, "--json", config=config)
    assert ran.data == {"path": str(path), "size_bytes": path.stat().st_size}
    shown = dict(re.findall(r'<tr data-client="([^"]+)" data-verdict="([^"]+)"', path.read_text()))
    assert shown == {name: client["verdict"] for name, client in clients.items()}
