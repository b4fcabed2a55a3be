"""``nimwrap config``: what it prints, checks and refuses."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.running import Cli

CONFIG = """\
state_dir = "/var/lib/nimwrap"
[masters.nim]
host = "10.10.10.100"
keep = 4
[clients.powerha1]
max_age = "9d"
[notify]
urls = ["json://user:token@chat.example.com"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "nimwrap.toml"
    file.write_text(CONFIG)
    return file


def test_init_prints_a_faultless_file_and_never_overwrites(run_cli: Cli, tmp_path: Path) -> None:
    printed = run_cli("config", "init").stdout
    assert tomllib.loads(printed)["masters"]["nim"]["transport"] == "ssh"
    target = tmp_path / "new.toml"
    assert run_cli("config", "init", "--output", target).exit_code == 0
    assert target.read_text() == printed
    assert run_cli("config", "validate", config=target).exit_code == 0
    again = run_cli("config", "init", "--output", target)
    assert (again.exit_code, target.read_text()) == (2, printed)
    assert "not overwritten" in again.stderr
    assert run_cli("config", "init", "--json").data["toml"] == printed


def test_validate_tells_all_faults_of_all_files(run_cli: Cli, path: Path) -> None:
    schedules = path.parent / "schedules"
    schedules.mkdir()
    (schedules / "weekly.toml").write_text('[weekly]\ncron = "0 1 * * sun"\ntargets = ["powerha1"]\nwindw = "6h"\n')
    path.write_text(CONFIG.replace("keep = 4", 'identity_file = "/nonexistent/key"'))
    ran = run_cli("config", "validate", "--json", config=path)
    assert (ran.exit_code, set(ran.codes)) == (78, {"config_invalid"})
    messages = [error["message"] for error in ran.json["errors"]]
    assert messages[0] == f"{path}:4: /nonexistent/key does not exist"
    assert messages[1].startswith(f"{schedules}/weekly.toml:4: ")
    assert '"window"' in ran.json["errors"][1]["hint"]
    assert ran.json["command"] == "config validate"
    plain = run_cli("config", "validate", config=path).stderr.splitlines()
    assert [line.split()[0] for line in plain] == ["error:", "hint:", "error:", "hint:"]


def test_validate_without_faults(run_cli: Cli, path: Path) -> None:
    ran = run_cli("config", "validate", config=path)
    assert (ran.exit_code, ran.stdout, ran.stderr) == (0, f"{path}: no faults\n", "")
    path.write_text("")
    ran = run_cli("config", "validate", "--json", config=path)
    assert (ran.exit_code, len(ran.json["warnings"])) == (0, 1)


def test_an_unreadable_file(run_cli: Cli, path: Path) -> None:
    ran = run_cli("config", "validate", "--json", config=path.parent)
    assert (ran.exit_code, ran.codes) == (78, ["config_invalid"])
    assert "Is a directory" in ran.json["errors"][0]["message"]


def test_show_says_what_holds_and_why(run_cli: Cli, path: Path) -> None:
    rows = {row["key"]: row for row in run_cli("config", "show", "--json", config=path).data["settings"]}
    assert rows["state_dir"] == {"key": "state_dir", "value": "/var/lib/nimwrap", "source": "file", "line": 1}
    assert rows["backup.timeout"] == {"key": "backup.timeout", "value": 21600, "source": "default", "line": None}
    assert rows["masters.nim.keep"] == {"key": "masters.nim.keep", "value": 4, "source": "master", "line": 4}
    assert rows["notify.urls"]["value"] == ["json://***"]
    text = run_cli("config", "show", config=path).stdout
    assert "token" not in text
    assert '"6h"' in text
    one = {row["key"]: row for row in run_cli("config", "show", "powerha1", "--json", config=path).data["settings"]}
    assert (one["keep"]["value"], one["keep"]["source"], one["keep"]["line"]) == (4, "master", 4)
    assert (one["max_age"]["value"], one["max_age"]["source"], one["max_age"]["line"]) == (777600, "client", 6)
    assert one["layout"]["source"] == "default"


@pytest.mark.parametrize("name", ["a.b", "$(reboot)", "../x", "nim/../x", "nin/aix01", "-x", "a" * 4096, "a\nb"])
def test_show_of_a_wrong_name(run_cli: Cli, path: Path, name: str) -> None:
    ran = run_cli("config", "show", "--json", "--", name, config=path)
    assert (ran.exit_code, ran.codes) == (2, ["usage"])
    assert len(ran.json["errors"][0]["message"]) < 200


def test_show_wants_the_master_where_there_are_two(run_cli: Cli, path: Path) -> None:
    path.write_text(CONFIG + '[masters.nim2]\nhost = "h"\n')
    ran = run_cli("config", "show", "powerha1", "--json", config=path)
    assert (ran.exit_code, "nim/powerha1" in ran.json["errors"][0]["hint"]) == (2, True)
    rows = run_cli("config", "show", "nim2/powerha1", "--json", config=path).data["settings"]
    assert {row["key"]: row["value"] for row in rows}["keep"] == 3


def test_schema_is_plain_json(run_cli: Cli) -> None:
    plain = json.loads(run_cli("config", "schema").stdout)
    assert plain == run_cli("config", "schema", "--json").data["schema"]
    assert plain["additionalProperties"] is False
