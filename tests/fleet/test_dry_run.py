"""The plan of a fleet says what the fleet will do: the same clients, the same reasons to leave one out, one order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nimwrap.estate import Estate
from tests.running import Cli


def test_who_is_kept_out_is_named_and_not_asked(
    run_cli: Cli, estate: Estate, estate_config: Callable[..., Any]
) -> None:
    config = estate_config(clients={"aix02": {"exclude": True}})
    assert run_cli("hold", "aix01", "--reason", "new disks", config=config).exit_code == 0
    estate.clear_log()
    ran = run_cli("backup", "--all", "--dry-run", "--json", config=config)
    assert ran.exit_code == 0
    plan = {entry["client"]: entry for entry in ran.data["plan"]}
    for client, code, why in (("aix01", "held", "held since"), ("aix02", "excluded", "excluded")):
        assert (plan[client]["verdict"], plan[client]["commands"]) == ("skipped", [])
        assert plan[client]["failure"]["code"] == code
        assert why in plan[client]["failure"]["message"]
    assert plan["powerha2"]["starts"]
    assert ran.data["night"] is None, "nobody was ever timed"
    assert not [one for one in estate.log() if one.host in ("aix01", "aix02")]
    alone = run_cli("backup", "aix01", "--dry-run", config=config)
    assert alone.exit_code == 75
    assert "new disks" in alone.stdout and "nimwrap release aix01" in alone.stdout
    said = run_cli("backup", "aix01", "--dry-run", "--json", config=config)
    assert said.codes == ["held"]


def test_the_nim_database_is_planned_first_as_it_is_made_first(
    run_cli: Cli, estate: Estate, estate_config: Callable[..., Any]
) -> None:
    config = estate_config(
        master={"max_parallel": 1}, clients={"master": {"kinds": ["nim_db"]}, "powerha2": {"exclude": True}}
    )
    made = run_cli("backup", "master", "aix01", "--json", config=config)
    assert made.exit_code == 0, made.stdout
    plan = run_cli("backup", "master", "aix01", "--dry-run", "--json", config=config).data["plan"]
    assert [entry["kind"] for entry in plan] == ["nim_db", "mksysb"]
    assert plan[0]["ends"] == plan[1]["starts"], "for as long as it took, and not as the others on average"
    first = run_cli("backup", "aix01", "aix02", "master", "--dry-run", "--json", config=config).data["plan"]
    assert first[0]["kind"] == "nim_db", "also before a client that nobody has timed"


def test_the_plan_of_pre_export_widens_what_stands_and_names_the_way_back(
    run_cli: Cli, estate: Estate, estate_config: Callable[..., Any]
) -> None:
    directory = "/export/nim/mksysb/powerha1"
    (estate.files("nim") / directory.lstrip("/")).mkdir(parents=True)
    estate.add_export(f"{directory} -rw,access=aix01,root=aix01")
    config = estate_config(backup={"remedies": ["pre-export"]}, master={"env": {"NIM_MKSYSB_SUBDIRS": "yes"}})
    (plan,) = run_cli("backup", "powerha1", "--dry-run", "--json", config=config).data["plan"]
    _, admit, make, withdraw = (step["command"] for step in plan["commands"])
    assert "access=aix01:10.10.10.10" in admit
    assert make.startswith("NIM_MKSYSB_SUBDIRS=yes; export NIM_MKSYSB_SUBDIRS; /usr/sbin/nim -o define ")
    assert withdraw == f"/usr/sbin/exportfs -i -o rw,access=aix01,root=aix01 {directory}"


def test_a_master_out_of_reach_is_12_as_for_the_run(
    run_cli: Cli, estate: Estate, estate_config: Callable[..., Any]
) -> None:
    config = estate_config()
    assert run_cli("status", "--refresh", config=config).exit_code == 1
    gone = estate_config("ssh", master={"host": "127.0.0.1", "port": 1})
    assert run_cli("backup", "aix01", "--dry-run", config=gone).exit_code == 12
