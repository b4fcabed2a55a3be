"""What a log collector gets: JSON lines with the run they are about, priorities under systemd, one file a run."""

from __future__ import annotations

import json
from pathlib import Path

from nimwrap.estate import Estate
from tests.running import Cli, ConfigWriter


def test_progress_as_json_lines_names_its_run(estate: Estate, estate_config: ConfigWriter, run_cli: Cli) -> None:
    estate.instant()
    config = estate_config()
    done = run_cli("--log-format", "json", "backup", "aix01", config=config)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    (run,) = {line["run"] for line in lines if "phase" in line}
    assert {line["client"] for line in lines if "phase" in line} == {"aix01"}
    assert lines[-1]["phase"] == "done"
    log = Path(run_cli("show", run, "--json", config=config).data["run"]["log_path"])
    assert log.parent.stat().st_mode & 0o077 == 0
    assert "end: ok" in log.read_text()


def test_a_bad_end_has_the_priority_of_an_error(estate: Estate, estate_config: ConfigWriter, run_cli: Cli) -> None:
    done = run_cli("backup", "powerha1", "--no-remedy", config=estate_config(), env={"JOURNAL_STREAM": "8:1"})
    ends = [line for line in done.stderr.splitlines() if "powerha1: done" in line]
    assert [line[:3] for line in ends] == ["<3>"]
