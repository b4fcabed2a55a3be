"""pre-export beside an administrator's own export: what decides there is widened, or it is left alone."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nimwrap.estate import Estate
from tests.backup.evidence import only_run
from tests.running import Cli, ConfigWriter

DIRECTORY = "/export/nim/mksysb/powerha1"


@pytest.fixture
def standing(estate: Estate) -> Callable[[str], bytes]:
    def export(options: str) -> bytes:
        (estate.files("nim") / DIRECTORY.lstrip("/")).mkdir(parents=True)
        estate.add_export(f"{DIRECTORY} -{options}")
        return bytes(estate.exports_text())

    return export


def test_where_rw_names_hosts_the_client_is_let_into_it_as_well(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, standing: Callable[[str], bytes]
) -> None:
    before = standing("rw=aix01:powerha1,access=powerha1:aix01,root=powerha1:aix01")
    ran = run_cli("backup", "powerha1", "--json", config=estate_config(backup={"remedies": ["pre-export"]}))
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"], run["remedy"]) == (0, "ok", "pre-export"), ran.stdout
    assert estate.exports_text() == before


@pytest.mark.parametrize("options", ["ro,access=powerha1,root=powerha1", "rw,ro=aix01,root=powerha1"])
def test_an_export_for_reading_is_left_alone(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, standing: Callable[[str], bytes], options: str
) -> None:
    before = standing(options)
    config = estate_config(backup={"remedies": ["pre-export"]})
    assert run_cli("check", "powerha1", config=config).exit_code == 10
    ran = run_cli("backup", "powerha1", "--json", config=config)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"]) == (10, "refused"), ran.stdout
    assert run["failure"]["code"] == "source_address_mismatch"
    assert f"exportfs -u {DIRECTORY}" in run["failure"]["fix"]
    assert run["attempts"] == []
    assert [one for one in estate.changes() if "exportfs" in one.argv[0]] == []
    assert estate.exports_text() == before


def test_the_next_remedy_is_taken_where_pre_export_cannot_work(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, standing: Callable[[str], bytes]
) -> None:
    before = standing("ro,access=powerha1,root=powerha1")
    config = estate_config(backup={"remedies": ["pre-export", "own-mount"]})
    run = only_run(run_cli("backup", "powerha1", "--json", config=config))
    assert (run["outcome"], run["remedy"], len(run["attempts"])) == ("ok", "own-mount", 1)
    assert estate.exports_text() == before
