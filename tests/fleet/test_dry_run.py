"""The plan of a fleet says what the fleet will do: the same clients, the same reasons to leave one out, one order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.running import Ran

Cli = Callable[..., Ran]


def test_who_is_kept_out_is_named_and_not_asked(run_cli: Cli, estate: Any, estate_config: Callable[..., Any]) -> None:
    config = estate_config(clients={"aix02": {"exclude": True}})
    assert run_cli("hold", "aix01", "--reason", "new disks", config=config).exit_code == 0
    estate.clear_log()
    ran = run_cli("backup", "--all", "--dry-run", "--json", config=config)
    assert ran.exit_code == 0
    plan = {entry["client"]: entry for entry in ran.data["plan"]}
    for client, why in (("aix01", "held since"), ("aix02", "excluded")):
        assert (plan[client]["verdict"], plan[client]["commands"]) == ("skipped", [])
        assert plan[client]["failure"]["code"] == "held"
        assert why in plan[client]["failure"]["message"]
    assert plan["powerha2"]["starts"]
    assert not [one for one in estate.log() if one.host in ("aix01", "aix02")]
    alone = run_cli("backup", "aix01", "--dry-run", config=config)
    assert alone.exit_code == 75
    assert "new disks" in alone.stdout


def test_the_nim_database_is_planned_first_as_it_is_made_first(
    run_cli: Cli, estate: Any, estate_config: Callable[..., Any]
) -> None:
    config = estate_config(
        master={"max_parallel": 1}, clients={"master": {"kinds": ["nim_db"]}, "powerha2": {"exclude": True}}
    )
    made = run_cli("backup", "master", "aix01", "--json", config=config)
    assert made.exit_code == 0, made.stdout
    plan = run_cli("backup", "master", "aix01", "--dry-run", "--json", config=config).data["plan"]
    assert [entry["kind"] for entry in plan] == ["nim_db", "mksysb"]
    assert plan[0]["starts"] < plan[1]["starts"]
