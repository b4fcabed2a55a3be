"""``nimwrap status`` as a user runs it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.domain.records import ChangeState, InventoryClient
from nimwrap.history.sqlite.store import Store
from tests.report.site import HELD, NEVER, OLD, PAIR, PLAIN, build, open_an_export
from tests.running import Cli, ConfigWriter, Ran


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return build(tmp_path, now=datetime.now(UTC))


def client(ran: Ran, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in ran.data["clients"] if each["client"] == name)
    return found


def test_the_worst_stand_first_and_a_cluster_together(site: Path, run_cli: Cli) -> None:
    names = [each["client"] for each in run_cli("status", "--json", config=site).data["clients"]]
    assert names[:3] == [NEVER, OLD, HELD]
    assert abs(names.index(PAIR[0]) - names.index(PAIR[1])) == 1


def test_a_cluster_is_shown_with_the_node_that_holds_the_address(site: Path, run_cli: Cli) -> None:
    (cluster,) = run_cli("status", "--json", config=site).data["clusters"]
    assert (cluster["name"], cluster["clients"], cluster["node"]) == ("powerha", list(PAIR), "powerha1")
    assert "powerha (ST_STABLE): service address 10.20.0.52 on powerha1" in run_cli("status", config=site).stdout


def test_the_text_ends_with_the_verdict_and_tells_what_to_do(site: Path, run_cli: Cli) -> None:
    ran = run_cli("status", config=site)
    assert ran.lines[-1].startswith("critical: 2 of 14 clients are not protected. The inventory is ")
    assert "newlpar: fix: nimwrap check newlpar shows what a backup would meet" in ran.stdout
    assert "sapdb: fix: nimwrap images prune" in ran.stdout


def test_the_json_says_in_errors_why_the_exit_is_1(site: Path, run_cli: Cli) -> None:
    ran = run_cli("status", "--json", config=site)
    faulty = [each["client"] for each in ran.data["clients"] if each["verdict"] != "ok"]
    assert ran.exit_code == 1
    assert [error["client"] for error in ran.json["errors"] if error["client"]] == faulty
    by_client = {error["client"]: error for error in ran.json["errors"]}
    assert (by_client[NEVER]["code"], by_client[OLD]["code"]) == ("never_backed_up", "overdue")
    assert "nimwrap check newlpar" in by_client[NEVER]["hint"]
    assert "error:" not in run_cli("status", config=site).stderr


def test_max_age_holds_for_everybody(site: Path, run_cli: Cli) -> None:
    ran = run_cli("status", "--max-age", "20d", "--json", config=site)
    assert client(ran, OLD)["verdict"] == "ok"
    assert {each["max_age_s"] for each in ran.data["clients"]} == {20 * 86400}
    wrong = run_cli("status", "--max-age", "soon", "--json", config=site)
    assert (wrong.exit_code, wrong.codes) == (2, ["usage"])


@pytest.mark.parametrize("state", [ChangeState.APPLIED, ChangeState.FOREIGN])
def test_an_export_left_open_is_critical(site: Path, run_cli: Cli, state: ChangeState) -> None:
    run = client(run_cli("status", "--json", config=site), "aixdb1")["last_run"]["id"]
    open_an_export(site, run, state, datetime.now(UTC))
    found = client(run_cli("status", "--json", config=site), "aixdb1")
    assert found["verdict"] == "critical"
    assert "/export/nim/mksysb/aixdb1 is still open" in found["reasons"][0]


def test_an_old_inventory_is_a_fault(site: Path, run_cli: Cli) -> None:
    clients = [InventoryClient(name, "standalone") for name in (*PLAIN, *PAIR, NEVER, OLD, HELD)]
    with Store.open(site.parent / "state" / "history.db") as store:
        store.record_inventory("nim", clients, datetime.now(UTC) - timedelta(hours=26))
    (fault,) = run_cli("status", "--json", config=site).data["faults"]
    assert "the inventory of nim is 1d 2h old" in fault["message"]


def test_schedules_that_are_gone_or_broken_are_a_fault(site: Path, run_cli: Cli) -> None:
    schedule = site.parent / "schedules" / "nightly.toml"
    schedule.write_text('[nightly]\ncron = "never"\ntargets = ["aix*"]\n')
    faults = run_cli("status", "--json", config=site).data["faults"]
    assert "no schedule works" in faults[0]["message"]
    schedule.write_text('[nightly]\ncron = "0 1 * * *"\ntargets = ["aix*", "nobody"]\n')
    ran = run_cli("status", "--json", config=site)
    assert "schedule nightly names nobody, which no master lists" in ran.data["faults"][0]["message"]
    assert client(ran, "aixdb1")["next_run"]
    assert "no schedule covers this client" in client(ran, "sapci")["reasons"]


def test_no_client_at_all_is_unknown(tmp_path: Path, run_cli: Cli) -> None:
    config = tmp_path / "nimwrap.toml"
    config.write_text(f'state_dir = "{tmp_path}/state"\n[masters.nim]\ntransport = "local"\n')
    assert run_cli("status", config=config).exit_code == 1
    ran = run_cli("status", "--nagios", config=config)
    assert (ran.exit_code, ran.lines[0][:16]) == (3, "NIMWRAP UNKNOWN ")


def test_nagios_hears_of_a_broken_configuration_in_its_own_way(tmp_path: Path, run_cli: Cli) -> None:
    config = tmp_path / "nimwrap.toml"
    config.write_text("[masters.nim\n")
    ran = run_cli("status", "--nagios", config=config)
    assert (ran.exit_code, len(ran.lines)) == (3, 1)
    assert ran.lines[0].startswith("NIMWRAP UNKNOWN - ")
    assert run_cli("status", config=config).exit_code == 78


def test_refresh_asks_the_masters(estate_config: ConfigWriter, run_cli: Cli) -> None:
    config = estate_config()
    ran = run_cli("status", "--refresh", "--json", config=config)
    assert ran.exit_code == 1
    assert {each["never_backed_up"] for each in ran.data["clients"]} == {True}
    assert "powerha1" in {each["client"] for each in ran.data["clients"]}
    assert ran.data["inventory_age_s"] < 60


def test_a_kind_of_image_that_was_never_made_is_missed(site: Path, run_cli: Cli) -> None:
    site.write_text(site.read_text() + '[clients.aixdb1]\nkinds = ["mksysb", "savevg"]\nvolume_groups = ["datavg"]\n')
    found = client(run_cli("status", "--json", config=site), "aixdb1")
    assert (found["verdict"], found["never_backed_up"]) == ("critical", True)
    assert "savevg image" in found["reasons"][0]


def test_a_cluster_that_a_run_saw_is_known_from_then_on(estate_config: ConfigWriter, run_cli: Cli) -> None:
    config = estate_config()
    assert run_cli("backup", "powerha2", config=config).exit_code == 0
    ran = run_cli("status", "--json", config=config)
    (cluster,) = ran.data["clusters"]
    assert (cluster["clients"], cluster["node"]) == (["powerha2"], "powerha1")
    assert client(ran, "powerha2")["cluster"] == cluster["name"]
