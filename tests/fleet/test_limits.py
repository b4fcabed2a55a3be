"""Hard limits (``[limits]``): which images count against one, and that a fleet run and its plan keep to them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from nimwrap.config.image_limits import limit_names
from nimwrap.config.model import BackupPolicy, Config, LimitConfig
from nimwrap.domain.ref import ClientRef
from tests.running import Ran

CONFIG = Config(
    backup=BackupPolicy(directory="/export/nim2/mksysb"),
    groups={"frame1": ("aix0*", "group:more"), "more": ("nim2/x1",)},
    limits={
        "frame1": LimitConfig("frame1", 2, ("group:frame1",)),
        "all": LimitConfig("all", 9),
        "disk": LimitConfig("disk", 1, directory="/export/nim2/"),
        "other": LimitConfig("other", 1, ("aix01",), directory="/export/nim"),
    },
)


@pytest.mark.parametrize(
    ("ref", "names"),
    [
        ("nim/aix01", ("frame1", "all", "disk")),
        ("nim2/x1", ("frame1", "all", "disk")),
        ("nim/x1", ("all", "disk")),
    ],
)
def test_who_counts_against_which(ref: str, names: tuple[str, ...]) -> None:
    """A directory is one of the path: ``/export/nim2`` is not below ``/export/nim``."""
    assert limit_names(CONFIG, ClientRef(*ref.split("/"))) == names


def test_a_fleet_and_its_plan_keep_to_a_limit(
    estate_config: Callable[..., Path], run_cli: Callable[..., Ran], estate: Any
) -> None:
    config = estate_config(
        master={"max_parallel": 4},
        limits={"frame1": {"targets": ["group:frame1"], "max_parallel": 1}},
        groups={"frame1": ["aix01", "aix02"]},
    )
    estate.setting(rate=400_000, image_size=300_000)
    plan = run_cli("backup", "group:frame1", "--dry-run", "--json", config=config).data["plan"]
    assert len({one["starts"] for one in plan}) == 2, "the second begins when the first one is done"
    ran = run_cli("backup", "group:frame1", "--json", config=config)
    assert ran.exit_code == 0, ran.stdout
    spans = sorted((one["started"], one["ended"]) for run in ran.data["runs"] for one in run["attempts"])
    assert datetime.fromisoformat(spans[0][1]) <= datetime.fromisoformat(spans[1][0])
    shown = run_cli("config", "show", "--json", config=config).data["settings"]
    assert {one["key"]: one["value"] for one in shown}["limits.frame1.max_parallel"] == 1
