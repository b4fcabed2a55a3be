"""Two nodes of a PowerHA pair are never backed up at once, also when nobody has configured the pair."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.running import Ran


def test_a_pair_that_only_preflight_knows_follows_one_another(
    run_cli: Callable[..., Ran], estate: Any, estate_config: Callable[..., Path]
) -> None:
    config = estate_config()
    assert "cluster" not in config.read_text()
    ran = run_cli("backup", "powerha1", "powerha2", "--json", config=config)
    assert ran.exit_code == 0, ran.stdout
    spans = sorted(
        (attempt["started"], attempt["ended"]) for run in ran.data["runs"] for attempt in run["attempts"]
    )
    assert len(spans) == 2
    assert spans[0][1] <= spans[1][0], "the second began only after the first had ended"
    locks = estate.files("nim") / "var/adm/nimwrap/locks"
    assert list(locks.iterdir()) == []


def test_another_nimwrap_holds_the_cluster(
    run_cli: Callable[..., Ran], estate: Any, estate_config: Callable[..., Path]
) -> None:
    lock = estate.files("nim") / "var/adm/nimwrap/locks/cluster.app_cluster"
    lock.mkdir(parents=True)
    (lock / "run").write_text("20261123T000000-powerha2-beef\n")
    (lock / "owner").write_text("ctl2 pid 4711\n")
    (lock / "heartbeat").write_text("29990101000000\n")
    ran = run_cli("backup", "powerha1", "--json", config=estate_config())
    (run,) = ran.data["runs"]
    assert (ran.exit_code, run["outcome"], run["failure"]["code"]) == (11, "locked", "locked")
    assert "app_cluster" in run["failure"]["message"]
    assert [path.name for path in lock.parent.iterdir()] == ["cluster.app_cluster"]
