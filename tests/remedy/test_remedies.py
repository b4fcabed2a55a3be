"""A dry run and a run are one and the same plan; a new way to let a client in is two files."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from nimwrap.estate import Estate
from tests.house.variant import edited, variant
from tests.running import Cli, ConfigWriter

TOY = '''\
"""Remedy ``toy``: own-mount by another name, and never for aix01."""

from __future__ import annotations

from nimwrap.preflight.check_context import CheckContext
from nimwrap.remedies.base import Obstacle
from nimwrap.remedies.own_mount import OwnMount


class Toy(OwnMount):
    name = "toy"

    def obstacle(self, s: CheckContext) -> Obstacle | None:
        return Obstacle("a toy is not for everybody", "take a tool") if s.policy.keep == 7 else None


REMEDY = Toy()
'''


def normal(command: str, run: str) -> str:
    """A command without what differs from run to run: the run's name, and the second in the image's name."""
    return re.sub(r"\d{8}_\d{6}", "STAMP", command.replace(run, "RUN"))


def seen_there(estate: Estate, one: Any) -> list[str]:
    """The argv as the simulated host itself sees it."""
    outward = estate.machine(one.host).paths.outward
    return [outward(word) if word.startswith("/") else word for word in one.argv]


@pytest.mark.parametrize(
    ("client", "method"), [("powerha1", "own-mount"), ("powerha1", "pre-export"), ("powerha2", "nim")]
)
def test_what_a_dry_run_prints_is_what_the_run_does(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, client: str, method: str
) -> None:
    estate.behaviour("merge")
    config = estate_config(
        backup={"remedies": ["pre-export", "own-mount"] if method == "pre-export" else ["own-mount"]}
    )
    (plan,) = run_cli("backup", client, "--dry-run", "--json", config=config).data["plan"]
    assert plan["method"] == method
    estate.clear_log()
    (run,) = run_cli("backup", client, "--json", config=config).data["runs"]
    assert (run["outcome"], run["remedy"]) == ("ok", None if method == "nim" else method)
    ran = [(one.host, normal(shlex.join(seen_there(estate, one)), run["id"])) for one in estate.log()]
    at = -1
    for step in plan["commands"]:
        for part in re.split(r" \|\| | && ", step["command"].rpartition("; ")[2]):
            argv = shlex.split(part)
            if argv[0] == "[":
                continue
            asked = (step["host"], normal(shlex.join([argv[0].rpartition("/")[2], *argv[1:]]), "RUN"))
            if asked[1].startswith("mkdir -p") and asked not in ran:
                continue  # the directory was there
            assert asked in ran[at + 1 :], (asked, ran)
            at = ran.index(asked, at + 1)
    assert plan["makes"]["resource"] and normal(plan["makes"]["location"], "RUN") == normal(
        run["image"]["location"], "RUN"
    )
    assert set(run["image"]["verified_by"]) == set(plan["proves"])


def test_a_dry_run_names_what_retention_would_remove_and_it_does(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config(backup={"keep": 1})
    assert run_cli("backup", "aix01", config=config).exit_code == 0
    ran = run_cli("backup", "aix01", "--dry-run", "--json", config=config)
    (plan,) = ran.data["plan"]
    (older,) = run_cli("images", "list", "aix01", "--json", config=config).data["images"]
    assert [gone["resource"] for gone in plan["removes"]] == [older["resource"]]
    said = run_cli("backup", "aix01", "--dry-run", config=config).stdout
    assert f"then removes {older['resource']}" in said and "proves it by rc 0, 0512-038" in said
    assert run_cli("backup", "aix01", config=config).exit_code == 0
    (newer,) = run_cli("images", "list", "aix01", "--json", config=config).data["images"]
    assert newer["resource"] != older["resource"]


def test_a_new_remedy_is_its_module_and_its_name_in_the_configuration(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    names = 'REMEDIES = ("own-mount", "pre-export")'
    changed = edited("config/model.py", names, f'{names[:-1]}, "toy")') | {"remedies/toy.py": TOY}
    assert len(changed) == 2
    env = variant(tmp_path / "variant", changed)
    config, before = estate_config(backup={"remedies": ["toy"]}), estate.exports_text()
    assert run_cli("config", "validate", config=config, env=env).exit_code == 0
    (plan,) = run_cli("backup", "powerha1", "--dry-run", "--json", config=config, env=env).data["plan"]
    assert plan["method"] == "toy" and any("exportfs -i" in step["command"] for step in plan["commands"])
    (run,) = run_cli("backup", "powerha1", "--json", config=config, env=env).data["runs"]
    assert (run["outcome"], run["remedy"]) == ("ok", "toy")
    assert estate.exports_text() == before
    barred = estate_config(backup={"remedies": ["toy"], "keep": 7})
    ran = run_cli("backup", "powerha1", "--json", config=barred, env=env)
    assert (ran.exit_code, ran.data["runs"][0]["outcome"]) == (10, "refused")
    assert "a toy is not for everybody" in ran.stdout and "own-mount" in ran.data["runs"][0]["failure"]["fix"]
