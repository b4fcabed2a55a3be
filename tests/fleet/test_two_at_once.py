"""Two nimwraps that are started at the same instant on the same fleet: nobody is backed up twice, nobody is left out.

Fifty times with ``-m slow``, twice always.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.estate import Estate, build
from nimwrap.history.sqlite.queries import Reader
from tests.running import begin

TIMES = [pytest.param(number, marks=() if number < 2 else pytest.mark.slow) for number in range(50)]
CLIENTS = ["aix01", "aix02", "powerha1", "powerha2"]


@pytest.fixture
def small(tmp_path: Path) -> Estate:
    return build(tmp_path / "estate", files=40, image_size=65536, steps=4)


def configured(estate: Estate, tmp_path: Path) -> Path:
    config = tmp_path / "nimwrap.toml"
    config.write_text(estate.config(master={"max_parallel": 2}, groups={"all": CLIENTS}))
    return config


def both(tmp_path: Path, config: Path, *arguments: str) -> list[dict[str, Any]]:
    """The JSON documents of two processes with the same command line, started together."""
    processes = [begin(tmp_path, config, *arguments, "--json") for _ in range(2)]
    ended = [process.communicate(timeout=180) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], ended
    return [json.loads(stdout) for stdout, _ in ended]


def images_made(estate: Estate) -> Counter[str]:
    """How often an image of each client was made, by the estate's own log; a denied mount has made none."""
    made = Counter(path.parent.name for path in (estate.files("nim") / "export/nim/mksysb").rglob("*.mksysb"))
    begun: Counter[str] = Counter()
    for one in estate.log():
        if one.argv[0] in ("mksysb", "savevg"):
            begun[one.host] += 1
    assert begun == made
    return made


@pytest.mark.parametrize("number", TIMES)
def test_a_fleet_started_twice_by_hand(small: Estate, tmp_path: Path, number: int) -> None:
    targets = ["--all"] if number % 2 else CLIENTS
    documents = both(tmp_path, configured(small, tmp_path), "backup", *targets)
    assert images_made(small) == Counter(CLIENTS)
    good: Counter[str] = Counter()
    for document in documents:
        assert sorted(run["client"] for run in document["data"]["runs"]) == CLIENTS
        for run in document["data"]["runs"]:
            good[run["client"]] += run["outcome"] == "ok"
            if run["outcome"] != "ok":
                assert run["outcome"] == "skipped"
                assert "since this command was issued" in run["failure"]["message"]
    assert good == Counter(CLIENTS)
    assert not list((small.files("nim") / "var/adm/nimwrap/locks").iterdir())


@pytest.mark.parametrize("number", TIMES)
def test_a_slot_that_two_find_due(small: Estate, tmp_path: Path, number: int) -> None:
    then = datetime.now(UTC) - timedelta(minutes=3)
    (tmp_path / "schedules").mkdir()
    table = f'[nightly]\ncron = "{then.minute} {then.hour} * * *"\ntargets = ["*"]\n'
    (tmp_path / "schedules" / "nightly.toml").write_text(table)
    documents = both(tmp_path, configured(small, tmp_path), "schedule", "due")
    assert images_made(small) == Counter(CLIENTS)
    runs = [run for document in documents for run in document["data"]["runs"]]
    assert sorted((run["client"], run["outcome"]) for run in runs) == [(client, "ok") for client in CLIENTS]
    with Reader.open(small.root / "nimwrap" / "history.db") as reader:
        assert sorted((row.client, row.state) for row in reader.slots()) == [(one, "done") for one in CLIENTS]


def test_one_client_alone_is_locked_not_skipped(small: Estate, tmp_path: Path) -> None:
    """Whoever names one client is told at once that another works on it, or gets the image that was asked for."""
    config = configured(small, tmp_path)
    processes = [begin(tmp_path, config, "backup", "aix01", "--json") for _ in range(2)]
    for process in processes:
        process.communicate(timeout=180)
    assert {process.returncode for process in processes} <= {0, 11}
    assert 0 in {process.returncode for process in processes}
