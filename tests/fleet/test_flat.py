"""Images in one directory: NIM exports it while an image is made, so two operations there would conflict."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from nimwrap.estate import Estate
from tests.running import Cli, ConfigWriter
from tests.sampling import some

CLIENTS = ("aix01", "aix02", "powerha1")


@pytest.mark.parametrize("behaviour", some(["merge", "replace", "refuse"], always=["refuse"]))
def test_whatever_nim_does_with_an_export_all_are_made_one_after_another(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, behaviour: str
) -> None:
    estate.behaviour(behaviour)
    estate.setting(rate=400_000, image_size=200_000)
    ran = run_cli("backup", *CLIENTS, "--json", config=estate_config(backup={"layout": "flat"}))
    assert ran.exit_code == 0, ran.stdout
    runs = ran.data["runs"]
    assert {run["client"]: run["outcome"] for run in runs} == dict.fromkeys(CLIENTS, "ok")
    assert {Path(run["image"]["location"]).parent for run in runs} == {Path("/export/nim/mksysb")}
    attempts = sorted((one["started"], one["ended"]) for run in runs for one in run["attempts"])
    assert len(attempts) == len(runs), "nobody needed a second one"
    assert all(before[1] <= after[0] for before, after in pairwise(attempts))
