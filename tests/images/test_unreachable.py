"""Images of a master that cannot be asked: shown as the history knows them, and never as if all had been seen."""

from __future__ import annotations

from nimwrap.estate import Estate
from tests.running import Cli, ConfigWriter


def test_the_list_is_shown_and_the_exit_code_says_that_a_master_is_missing(
    estate: Estate, estate_config: ConfigWriter, run_cli: Cli
) -> None:
    estate.instant()
    config = estate_config()
    assert run_cli("backup", "aix01", config=config).exit_code == 0
    config.write_text(f'{config.read_text()}\n[masters.nim2]\ntransport = "local"\nshell = "/nonexistent/ksh"\n')
    ran = run_cli("images", "list", "--json", config=config)
    assert (ran.exit_code, ran.codes) == (12, ["master_unreachable"])
    assert [image["client"] for image in ran.data["images"]] == ["aix01"]
    assert "what follows is what the history knows" in run_cli("images", "list", config=config).stderr
