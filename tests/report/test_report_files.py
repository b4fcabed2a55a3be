"""After a fleet run: the files that ``[report]`` names; and what is said where an extra is not installed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nimwrap.config.load import load
from nimwrap.history.sqlite.queries import Reader
from nimwrap.monitoring.protection import protection
from nimwrap.monitoring.report.capacity_view import past_of_all, rooms
from tests.report.site import NOW, build
from tests.running import ROOT, Cli

Configure = Callable[..., Path]


def test_a_backup_writes_what_is_configured(estate_config: Configure, run_cli: Cli, tmp_path: Path) -> None:
    html, prom = tmp_path / "nimwrap.html", tmp_path / "nimwrap.prom"
    config = estate_config(report={"html": str(html), "textfile": str(prom)})
    ran = run_cli("backup", "aix01", "--json", config=config)
    assert ran.exit_code == 0, ran.stdout
    (run,) = ran.data["runs"]
    assert run["id"] in html.read_text()
    assert 'nimwrap_client_never_backed_up{client="aix01",master="nim"} 0.0' in prom.read_text()
    loaded = load(config)
    with Reader.open(loaded.database) as reader:  # what preflight says of room is what the forecast reads
        refs = [view.ref for view in protection(loaded, reader, NOW).clients]
        (room,) = rooms(reader, loaded, past_of_all(reader, loaded, refs), NOW)
    assert room.forecast.free_bytes > 0


def test_trouble_with_the_files_is_only_a_warning(estate_config: Configure, run_cli: Cli, tmp_path: Path) -> None:
    config = estate_config(report={"html": str(tmp_path / "absent" / "x.html"), "textfile": "/proc/nimwrap.prom"})
    ran = run_cli("backup", "aix01", config=config)
    assert ran.exit_code == 0
    assert "x.html cannot be written" in ran.stderr
    assert "nimwrap.prom cannot be written" in ran.stderr


@pytest.mark.parametrize(
    ("module", "command", "extra"),
    [("jinja2", "report", "nimwrap[report]"), ("prometheus_client", "metrics", "nimwrap[metrics]")],
)
def test_a_missing_extra_is_named(module: str, command: str, extra: str, run_cli: Cli, tmp_path: Path) -> None:
    config = build(tmp_path)
    absent = tmp_path / "absent"
    absent.mkdir()
    (absent / f"{module}.py").write_text(f"raise ModuleNotFoundError('absent', name='{module}')")
    ran = run_cli(command, "--json", config=config, env={"PYTHONPATH": f"{absent}:{ROOT}"})
    assert (ran.exit_code, ran.codes) == (78, ["config_invalid"])
    assert f"pip install '{extra}'" in ran.json["errors"][0]["hint"]


def test_without_any_history_there_is_a_page(tmp_path: Path, run_cli: Cli) -> None:
    config = tmp_path / "nimwrap.toml"
    config.write_text(f'state_dir = "{tmp_path}/state"\n[masters.nim]\ntransport = "local"\n')
    path = tmp_path / "r.html"
    assert run_cli("report", "--output", path, config=config).exit_code == 0
    assert "No client is known yet" in path.read_text()
    assert run_cli("metrics", config=config).exit_code == 0
