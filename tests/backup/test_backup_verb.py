"""The founding case through the CLI against the estate: the whole way of one backup."""

from __future__ import annotations

import pytest

from nimwrap.estate import Estate
from tests.backup.evidence import BOOT, SERVICE, nothing_left, only_run, outside
from tests.running import Cli, ConfigWriter


@pytest.mark.parametrize("behaviour", ["merge", "replace", "refuse"])
@pytest.mark.parametrize("remedies", [["own-mount", "pre-export"], ["pre-export", "own-mount"]])
def test_the_node_with_the_service_address_is_backed_up(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, behaviour: str, remedies: list[str]
) -> None:
    estate.behaviour(behaviour)
    config = estate_config(backup={"remedies": remedies})
    before = estate.exports_text()
    ran = run_cli("backup", "powerha1", "--json", config=config)
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    run = only_run(ran)
    assert run["outcome"] == "ok"
    assert run["source_address"] == {"expected": BOOT, "actual": SERVICE, "method": "perl"}
    works = "pre-export" if remedies[0] == "pre-export" and behaviour == "merge" else "own-mount"
    assert run["remedy"] == works
    assert run["image"]["verified"] and "0512-038" in run["image"]["verified_by"]
    assert run["cluster"]["service_addresses"] == [SERVICE]
    assert estate.exports_text() == before
    changes = run_cli("exports", "list", "--json", config=config).data["changes"]
    assert changes and {change["state"] for change in changes} == {"reverted"}
    assert estate.objects()[run["image"]["resource"]]["location"] == run["image"]["location"]
    assert nothing_left(estate, run["image"]["location"])


def test_the_other_node_needs_no_remedy(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    ran = run_cli("backup", "powerha2", "--json", config=estate_config())
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"], run["remedy"]) == (0, "ok", None)
    assert nothing_left(estate, run["image"]["location"])


def test_after_the_cure_no_remedy_is_needed(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config()
    assert only_run(run_cli("backup", "powerha1", "--json", config=config))["remedy"] == "own-mount"
    estate.first_alias(False)
    run = only_run(run_cli("backup", "powerha1", "--json", config=config))
    assert (run["outcome"], run["remedy"], run["source_address"]["actual"]) == ("ok", None, BOOT)
    history = run_cli("history", "--json", config=config).data["runs"]
    assert [run["remedy"] for run in history] == [None, "own-mount"]


def test_when_exports_may_not_change_it_refuses_with_the_cure_and_changes_nothing(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config(backup={"export_change": "never"})
    before = estate.snapshot("nim", "powerha1", "powerha2")
    estate.clear_log()
    ran = run_cli("backup", "powerha1", "--json", config=config)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"]) == (10, "refused")
    assert run["failure"]["code"] == "source_address_mismatch"
    assert "Disable Firstalias" in run["failure"]["fix"] and "cm_service_ip" in run["failure"]["fix"]
    assert run["attempts"] == []
    assert estate.changes() == []
    after = estate.snapshot("nim", "powerha1", "powerha2")
    assert outside(after, "var/adm/nimwrap") == outside(before, "var/adm/nimwrap")


def test_no_remedy_refuses_like_export_change_never(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    ran = run_cli("backup", "powerha1", "--no-remedy", "--json", config=estate_config())
    assert ran.exit_code == 10
    assert only_run(ran)["failure"]["code"] == "source_address_mismatch"
    assert estate.changes() == []


def test_an_unknown_client_starts_nothing_and_names_the_nearest(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    ran = run_cli("backup", "powerha1", "powerhal", "--json", config=estate_config())
    assert (ran.exit_code, ran.codes) == (2, ["usage"])
    assert "powerha1" in ran.json["errors"][0]["hint"] + ran.json["errors"][0]["message"]
    assert estate.changes() == []


@pytest.mark.parametrize(
    "name",
    ["a;touch /tmp/x", "a\nb", "$(touch x)", "../../etc", "`id`", "x" * 4096, "-rf", "nim/../x", "a b", "\x1b[31m"],
)
def test_hostile_names_are_refused_and_nothing_is_executed(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, name: str
) -> None:
    ran = run_cli("backup", "--json", "--", name, config=estate_config())
    assert ran.exit_code == 2
    assert len(ran.json["errors"][0]["message"]) < 400
    assert estate.changes() == []


def test_without_any_target_it_is_a_usage_error(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    ran = run_cli("backup", "--json", config=estate_config())
    assert (ran.exit_code, ran.codes) == (2, ["usage"])


def test_a_dry_run_prints_every_command_and_changes_nothing(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config()
    before = estate.snapshot()
    ran = run_cli("backup", "--all", "--dry-run", "--json", config=config)
    assert ran.exit_code == 0, ran.stdout
    plan = {entry["client"]: entry for entry in ran.data["plan"]}
    assert plan["powerha1"]["method"] == "own-mount"
    said = "\n".join(step["command"] for step in plan["powerha1"]["commands"])
    for part in ("exportfs -i", SERVICE, "mksysb", "exportfs -u", "define"):
        assert part in said
    assert plan["aix01"]["method"] == "nim"
    assert estate.changes() == []
    assert outside(estate.snapshot(), "nimwrap") == outside(before, "nimwrap")


def test_the_human_output_names_the_image(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    ran = run_cli("backup", "powerha1", config=estate_config())
    assert ran.exit_code == 0
    assert "powerha1" in ran.stdout and "/export/nim/mksysb/powerha1/" in ran.stdout
    assert "making the image" in ran.stderr
