"""What images leave out as data: for clients and groups, compared, written, taken back, and its effect shown."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from nimwrap.aix.exclude_rootvg import is_anchored
from nimwrap.config.load import load
from nimwrap.estate import Estate
from nimwrap.history.sqlite.queries import Reader
from nimwrap.images.exclusions import KIND
from tests.running import Cli, ConfigWriter, Ran

WANTED = ["^./tmp/", "^./var/log/big/"]
GROUPS: dict[str, Any] = {
    "groups": {"plain": ["aix*"]},
    "clients": {"group:plain": {"exclude_rootvg": WANTED, "keep": 7}},
}


@pytest.fixture
def config(estate: Estate, estate_config: ConfigWriter, run_cli: Cli) -> Path:
    estate.instant()
    path = estate_config(**GROUPS)
    assert run_cli("status", "--refresh", config=path).exit_code == 1
    return path


@pytest.fixture
def exclude(config: Path, run_cli: Cli) -> Callable[..., Ran]:
    return lambda *arguments: run_cli("images", "exclude", *arguments, config=config)


def file_of(estate: Estate, client: str = "aix01") -> Path:
    return estate.files(client) / "etc" / "exclude.rootvg"


def findings(run_cli: Cli, config: Path, *clients: str) -> dict[str, str]:
    ran = run_cli("check", *clients, "--full", "--json", config=config)
    return {
        one["client"]: next(each["message"] for each in one["findings"] if each["check"] == "exclude_file")
        for one in ran.data["clients"]
    }


def test_check_shows_the_drift_apply_ends_it_and_undo_brings_it_back(
    exclude: Callable[..., Ran], estate: Estate, config: Path, run_cli: Cli
) -> None:
    file_of(estate).write_text("^./tmp/\n^./scratch/\n")
    before = file_of(estate).read_text()
    told = findings(run_cli, config, "aix01", "powerha2")
    assert "it lacks '^./var/log/big/'; it has besides '^./scratch/'" in told["aix01"]
    assert told["powerha2"] == "/etc/exclude.rootvg is there", "nothing is wanted of it"
    looked = exclude("aix01", "--json")
    assert (looked.exit_code, file_of(estate).read_text()) == (1, before)
    (one,) = looked.data["clients"]
    assert (one["wanted"], one["on_client"], one["done"]) == (WANTED, ["^./tmp/", "^./scratch/"], "")
    applied = exclude("aix01", "--apply", "--json")
    (one,) = applied.data["clients"]
    assert (applied.exit_code, one["done"], one["drift"]) == (0, "applied", "")
    assert file_of(estate).read_text().splitlines() == WANTED
    kept = file_of(estate).parent / Path(one["kept"]).name
    assert kept.read_text() == before
    assert findings(run_cli, config, "aix01")["aix01"] == "/etc/exclude.rootvg holds what exclude_rootvg says"
    again = exclude("aix01", "--apply", "--json").data["clients"][0]
    assert (again["done"], kept.read_text()) == ("", before)
    undone = exclude("aix01", "--undo", "--json")
    assert (undone.exit_code, undone.data["clients"][0]["done"]) == (0, "undone")
    assert file_of(estate).read_text() == before
    assert not kept.exists()
    assert exclude("aix01", "--undo").exit_code == 1


def test_a_file_that_was_not_there_is_taken_away_again(exclude: Callable[..., Ran], estate: Estate) -> None:
    file_of(estate).unlink()
    assert exclude("aix01", "--apply").exit_code == 0
    assert file_of(estate).read_text().splitlines() == WANTED
    assert exclude("aix01", "--undo").exit_code == 0
    assert not file_of(estate).exists()


def test_what_others_have_changed_since_is_left_alone(exclude: Callable[..., Ran], estate: Estate) -> None:
    assert exclude("aix01", "--apply").exit_code == 0
    file_of(estate).write_text("^./mine/\n")
    ran = exclude("aix01", "--undo")
    assert (ran.exit_code, "was changed by others meanwhile" in ran.stderr) == (1, True)
    assert file_of(estate).read_text() == "^./mine/\n"


def test_every_change_is_planned_in_the_history_before_it_is_made(
    exclude: Callable[..., Ran], estate: Estate, config: Path, run_cli: Cli
) -> None:
    assert exclude("group:plain", "--apply").exit_code == 0
    estate.fault("nimsh_down", host="aix02")
    assert exclude("aix02", "--undo").exit_code == 1
    with Reader.open(load(config).database) as reader:
        events = reader.noted(KIND, datetime.min.replace(tzinfo=UTC))
    told = [(event.data["client"], event.data["state"]) for event in events]
    acts = run_cli("audit", "--json", config=config).data["acts"]
    assert [(act["act"], act["subject"]) for act in acts if act["act"] == "exclude"] == [
        ("exclude", "aix02"),
        ("exclude", "aix01"),
    ]
    assert told == [("aix01", "planned"), ("aix01", "applied"), ("aix02", "planned"), ("aix02", "applied")]


def test_the_next_image_shows_what_was_saved(
    exclude: Callable[..., Ran], estate: Estate, config: Path, run_cli: Cli
) -> None:
    assert run_cli("backup", "aix01", config=config).exit_code == 0
    assert exclude("aix01", "--apply").exit_code == 0
    assert exclude("aix01", "--json").data["clients"][0]["saved"] is None
    estate.setting(image_sizes={"aix01": 196608})
    assert run_cli("backup", "aix01", config=config).exit_code == 0
    saved = exclude("aix01", "--json").data["clients"][0]["saved"]
    assert (saved["before_bytes"], saved["after_bytes"]) == (262144, 196608)
    assert "64.0 KiB less: 256.0 KiB before" in exclude("aix01").stdout


def test_nims_own_exclude_files_are_shown_beside_it(exclude: Callable[..., Ran], estate: Estate) -> None:
    define = (
        "echo '^./nims/' >/export/nim/excl && /usr/sbin/nim -o define -t exclude_files -a server=master "
        "-a location=/export/nim/excl excl_aix01"
    )
    subprocess.run([estate.shell("nim"), "-c", define], check=True, capture_output=True)
    one, other = exclude("aix01", "aix02", "--json").data["clients"]
    assert one["nim"] == {"excl_aix01": ["^./nims/"]}
    assert other["nim"] == {}


def test_a_group_has_a_table_and_the_client_wins(estate_config: ConfigWriter, run_cli: Cli) -> None:
    config = estate_config(groups=GROUPS["groups"], clients={**GROUPS["clients"], "aix02": {"keep": 2}})
    loaded = load(config)
    assert [loaded.policy("nim", name).keep for name in ("aix01", "aix02", "powerha1")] == [7, 2, 3]
    assert loaded.policy("nim", "aix02").exclude_rootvg == tuple(WANTED)
    whole = run_cli("config", "show", "--json", config=config)
    assert "clients.group:plain.keep" in whole.stdout


@pytest.mark.parametrize(
    "pattern", ["/tmp/", "./tmp/", "^/tmp/", "^./", "^./e", "^.*tmp", "^./usr/", "", "^./[", "^./a\nb", "^./\u00e4/"]
)
def test_patterns_that_drop_more_than_they_say_are_refused(pattern: str) -> None:
    assert not is_anchored(pattern)


@pytest.mark.parametrize("pattern", ["^./tmp/", "^./var/log/big/", "^./home/[a-z]*/core$"])
def test_anchored_patterns_are_taken(pattern: str) -> None:
    assert is_anchored(pattern)


def test_the_configuration_takes_no_other_ones(estate_config: ConfigWriter, run_cli: Cli) -> None:
    ran = run_cli("config", "validate", "--json", config=estate_config(backup={"exclude_rootvg": ["/tmp/"]}))
    assert (ran.exit_code, "anchored at the root" in ran.json["errors"][0]["message"]) == (78, True)
