"""The JSON contract (INTERFACE section 4), held for every command there is, in success and in error."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperArgument, TyperGroup

from nimwrap.cli.main import app, main

KEYS = {"schema", "command", "status", "exit_code", "data", "errors", "warnings"}
PROBLEM_KEYS = {"code", "message", "hint", "client"}
STATUS = {0: "success", 3: "partial"}
WITHOUT_CONFIG = {"completion install", "config init", "config schema", "explain", "demo", "schedule import-cron"}
NO_OBJECT = {"serve"}  # INTERFACE section 4 leaves it out: it prints nothing


def leaves(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Every command with its full name."""
    context = typer.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, TyperGroup):
            yield from leaves(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


COMMANDS = {name: command for name, command in leaves(typer.main.get_command(app)) if name not in NO_OBJECT}


def arguments_of(name: str) -> list[str]:
    """The command with something for each argument that it requires."""
    required = [p for p in COMMANDS[name].params if isinstance(p, TyperArgument) and (p.required or p.nargs == -1)]
    options = [p for p in COMMANDS[name].params if not isinstance(p, TyperArgument) and p.required]
    return [*name.split(), *(word for p in options for word in (p.opts[0], "x")), *("x" for _ in required)]


def held(document: dict[str, Any], exit_code: int) -> None:
    """The envelope's own rules."""
    assert document.keys() == KEYS
    assert document["schema"] == 1
    assert document["exit_code"] == exit_code
    assert document["status"] == STATUS.get(exit_code, "error")
    assert isinstance(document["data"], dict)
    for problem in (*document["errors"], *document["warnings"]):
        assert problem.keys() == PROBLEM_KEYS
        assert problem["code"]
        assert problem["message"]
    if document["status"] == "error":
        assert document["errors"] or document["data"]  # what a check finds is data, not an error of the command


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_wrong_option(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*name.split(), "--no-such-option", "--json"]) == 2
    document = json.loads(capsys.readouterr().out)
    held(document, 2)
    assert document["command"] == name
    assert [error["code"] for error in document["errors"]] == ["usage"]


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - WITHOUT_CONFIG))
def test_a_broken_configuration(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "nimwrap.toml"
    config.write_text("keeep = 1\n[backup]\nkeep = 0\n")
    assert main(["--json", "--config", str(config), *arguments_of(name)]) == 78
    document = json.loads(capsys.readouterr().out)
    held(document, 78)
    assert document["command"] == name
    assert [error["code"] for error in document["errors"]] == ["config_invalid"] * 2
    assert [error["message"].split(": ")[0] for error in document["errors"]] == [f"{config}:1", f"{config}:3"]


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"demo"}))
def test_one_object_where_there_is_nothing_yet(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A faultless configuration of a master that cannot be asked: success or error, always one envelope."""
    config = tmp_path / "nimwrap.toml"
    config.write_text(f'state_dir = "{tmp_path}/state"\n[masters.nim]\ntransport = "local"\nshell = "/bin/false"\n')
    exit_code = main(["--config", str(config), *arguments_of(name), "--json"])
    document = json.loads(capsys.readouterr().out)
    held(document, exit_code)
    assert document["command"] == name
    assert all("this is a bug" not in error["message"] for error in document["errors"])


@pytest.mark.parametrize("name", COMMANDS)
def test_help_begins_with_a_sentence_and_has_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*name.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert f"Usage: nimwrap {name}" in " ".join(text.split())
    assert f"nimwrap {name}" in text.partition("Example")[2], "an example shows the call"
