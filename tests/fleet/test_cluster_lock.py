"""Two nodes of a PowerHA pair are never backed up at once, also when nobody has configured the pair."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nimwrap.estate import Estate, build
from tests.running import Cli, ConfigWriter, begin
from tests.waiting import LIMIT_S, until

CLMGR = "usr/es/sbin/cluster/utilities/clmgr"
STATE_ONLY = "#!/bin/sh\necho 'STATE=\"STABLE\"'\n"


def spans(runs: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """When each attempt began and ended, the earliest first."""
    return sorted((attempt["started"], attempt["ended"]) for run in runs for attempt in run["attempts"])


def clmgr(estate: Estate, node: str, says: str | None) -> None:
    """What the node's clmgr is from now on: gone, or a script."""
    tool = estate.files(node) / CLMGR
    tool.unlink()
    if says is not None:
        tool.write_text(says)
        tool.chmod(0o755)


def locks_of(estate: Estate) -> Path:
    return Path(estate.files("nim")) / "var/adm/nimwrap/locks"


def test_a_pair_that_only_preflight_knows_follows_one_another(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config()
    assert "cluster" not in config.read_text()
    ran = run_cli("backup", "powerha1", "powerha2", "--json", config=config)
    assert ran.exit_code == 0, ran.stdout
    first, second = spans(ran.data["runs"])
    assert first[1] <= second[0], "the second began only after the first had ended"
    assert list(locks_of(estate).iterdir()) == []


@pytest.mark.parametrize(
    ("says", "nodes"),
    [(STATE_ONLY, ("powerha1", "powerha2")), (None, ("powerha2",))],
    ids=["clmgr tells the state only", "no clmgr on one of them"],
)
def test_a_pair_whose_name_is_not_told_is_known_by_its_nodes(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, says: str | None, nodes: tuple[str, ...]
) -> None:
    for node in nodes:
        clmgr(estate, node, says)
    config = estate_config()
    ran = run_cli("backup", "powerha1", "powerha2", "--json", config=config)
    assert ran.exit_code == 0, ran.stdout
    first, second = spans(ran.data["runs"])
    assert first[1] <= second[0], "the second began only after the first had ended"
    (run,) = [run for run in ran.data["runs"] if run["client"] == "powerha2"]
    assert run["cluster"]["name"] == "powerha1+powerha2"
    assert run["cluster"]["nodes"] == ["powerha1", "powerha2"]
    assert list(locks_of(estate).iterdir()) == []
    if len(nodes) == 2:
        (seen,) = run_cli("status", "--json", config=config).data["clusters"]
        assert (seen["name"], sorted(seen["clients"])) == ("powerha1+powerha2", ["powerha1", "powerha2"])


def test_two_processes_and_no_name_told(run_cli: Cli, tmp_path: Path) -> None:
    estate = build(tmp_path / "estate")
    estate.hold_images()
    config = tmp_path / "nimwrap.toml"
    config.write_text(estate.config())
    for node in ("powerha1", "powerha2"):
        clmgr(estate, node, None)
    first = begin(tmp_path, config, "backup", "powerha1", "--json")
    until(lambda: list(locks_of(estate).glob("cluster.*")), "the first holds the cluster")
    ran = run_cli("backup", "powerha2", "--json", config=config)
    (run,) = ran.data["runs"]
    assert (ran.exit_code, run["outcome"]) == (11, "locked")
    assert "another node of the cluster powerha1+powerha2 is being backed up" in run["failure"]["message"]
    estate.release_images()
    told = json.loads(first.communicate(timeout=LIMIT_S)[0])
    assert [one["outcome"] for one in told["data"]["runs"]] == ["ok"]
    assert list(locks_of(estate).iterdir()) == []


@pytest.mark.parametrize("mark", ["app_cluster", "powerha2"])
def test_another_nimwrap_holds_the_cluster(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, mark: str
) -> None:
    lock = locks_of(estate) / f"cluster.{mark}"
    lock.mkdir(parents=True)
    (lock / "run").write_text("20261123T000000-powerha2-beef\n")
    (lock / "owner").write_text("ctl2 pid 4711\n")
    (lock / "heartbeat").write_text("29990101000000\n")
    ran = run_cli("backup", "powerha1", "--json", config=estate_config())
    (run,) = ran.data["runs"]
    assert (ran.exit_code, run["outcome"], run["failure"]["code"]) == (11, "locked", "locked")
    assert "app_cluster" in run["failure"]["message"]
    assert [path.name for path in lock.parent.iterdir()] == [f"cluster.{mark}"]
