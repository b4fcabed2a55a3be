"""The frame around every verb: global options, wrong calls, streams, signals, messages."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nimwrap
from nimwrap.cli.command_group import SECTIONS
from nimwrap.cli.invocation import Result
from nimwrap.cli.main import main, without_json
from nimwrap.domain.errors import NimwrapError, Problem
from tests.cli.terminal import on_terminal
from tests.running import ROOT, Cli, command, environment

ENVELOPE = ["schema", "command", "status", "exit_code", "data", "errors", "warnings"]


def test_version(run_cli: Cli) -> None:
    assert run_cli("--version").stdout == f"nimwrap {nimwrap.__version__}\n"
    assert run_cli("--config", "/nowhere/nimwrap.toml", "--version").stdout == f"nimwrap {nimwrap.__version__}\n"
    for arguments in (("--json", "--version"), ("--version", "--json")):
        assert run_cli(*arguments).data == {"version": nimwrap.__version__}


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("bakup", "x"), "no such command 'bakup'", "did you mean `nimwrap backup`?"),
        (("config", "int"), "no such command 'int'", "did you mean `nimwrap config init`?"),
        (("qqqqqq",), "no such command 'qqqqqq'", "`nimwrap --help` lists the commands"),
        (("config", "init", "--outputt", "x"), "no such option: --outputt", "did you mean --output?"),
        (("--jsn",), "no such option: --jsn", "--json"),
        (("config", "init", "--config", "x"), "no such option: --config", "stands before the command"),
        (("config", "init", "--output"), "option '--output' requires an argument", "`nimwrap --help`"),
        (("config", "show", "a", "b"), "got unexpected extra argument", "`nimwrap config show --help`"),
        (("--log-format", "xml", "config", "init"), "invalid value for '--log-format'", "`nimwrap --help`"),
        (("-q", "-v", "config", "init"), "-q and -v contradict each other", "one of them"),
        ((), "no command given", "`nimwrap --help` lists the commands"),
        (("config",), "no command given", "`nimwrap config --help` lists the commands"),
    ],
)
def test_a_wrong_call(run_cli: Cli, arguments: tuple[str, ...], message: str, hint: str) -> None:
    plain = run_cli(*arguments)
    assert (plain.exit_code, plain.stdout) == (2, "")
    *_, error, last = plain.stderr.splitlines()
    assert error.startswith(f"error: {message}")
    assert last.startswith("hint: ")
    assert hint in last
    as_json = run_cli(*arguments, "--json")
    assert (as_json.exit_code, as_json.stderr) == (2, "")
    assert list(as_json.json) == ENVELOPE
    assert as_json.codes == ["usage"]
    assert (as_json.json["status"], as_json.json["exit_code"]) == ("error", 2)


def test_json_may_stand_anywhere_before_the_double_dash() -> None:
    assert without_json(["a", "--json", "b"]) == (["a", "b"], True)
    assert without_json(["a", "--", "--json"]) == (["a", "--", "--json"], False)
    assert without_json([]) == ([], False)


@pytest.mark.parametrize(
    "arguments", [("backup", "a\udcffb"), ("\udcff",), ("history", "\x1b[31mx"), ("show", "x" * 4096)]
)
def test_hostile_arguments_make_no_traceback_and_reach_no_terminal(run_cli: Cli, arguments: tuple[str, ...]) -> None:
    for more in ((), ("--json",)):
        ran = run_cli(*arguments, *more)
        assert ran.exit_code in (1, 2, 78)
        assert "Traceback" not in ran.stderr
        assert "this is a bug" not in ran.stderr + ran.stdout
        assert "\x1b" not in ran.stderr + ran.stdout


def test_no_configuration(run_cli: Cli) -> None:
    ran = run_cli("config", "validate", "--json")
    assert (ran.exit_code, ran.codes) == (78, ["config_invalid"])
    assert "nimwrap config init" in ran.json["errors"][0]["hint"]
    assert ran.json["command"] == "config validate"


def test_a_named_file_that_is_missing(run_cli: Cli, tmp_path: Path) -> None:
    by_option = run_cli("config", "validate", config=tmp_path / "absent.toml")
    by_variable = run_cli("config", "validate", env={"NIMWRAP_CONFIG": str(tmp_path / "absent.toml")})
    for ran in (by_option, by_variable):
        assert ran.exit_code == 78
        assert ran.stderr.startswith(f"error: {tmp_path}/absent.toml: No such file or directory\nhint: ")


def verb_that(act: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every command do ``act``."""
    monkeypatch.setattr("nimwrap.config.starter.starter", act)


def test_a_bug_is_one_clear_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> None:
        raise ZeroDivisionError("boom")

    verb_that(broken, monkeypatch)
    assert main(["config", "init"]) == 1
    assert capsys.readouterr().err.startswith("error: this is a bug in nimwrap: ZeroDivisionError: boom\nhint: ")
    assert main(["-v", "config", "init"]) == 1
    assert "Traceback (most recent call last)" in capsys.readouterr().err
    assert main(["config", "init", "--json"]) == 1
    envelope = json.loads(capsys.readouterr().out)
    assert [error["code"] for error in envelope["errors"]] == ["unknown"]
    assert envelope["command"] == "config init"


def test_a_signal_that_python_has_made_another_exception_of_is_still_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted() -> None:
        raise RuntimeError("Error calling __set_name__") from KeyboardInterrupt()

    verb_that(interrupted, monkeypatch)
    assert main(["config", "init"]) == 130
    assert capsys.readouterr().err == "error: interrupted\n"


def test_all_problems_are_told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise NimwrapError("one", "locked", "wait", 11, more=[Problem("held", "two", "release", "aix01")])  # type: ignore[arg-type]

    verb_that(refuse, monkeypatch)
    assert main(["config", "init"]) == 11
    assert capsys.readouterr().err == "error: one\nhint: wait\nerror: aix01: two\nhint: release\n"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals(number: int, code: int, tmp_path: Path) -> None:
    """A FIFO as configuration holds the process still until it is interrupted."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    argv = command("config", "validate", "--json", config=fifo)
    child = subprocess.Popen(  # a shell that runs the tests in the background has them ignore SIGINT
        argv,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  no threads here
    )
    deadline = time.monotonic() + 30
    waiting = Path(f"/proc/{child.pid}/wchan")
    handled = Path(f"/proc/{child.pid}/status")
    while time.monotonic() < deadline:
        caught = re.search(r"SigCgt:\s*(\w+)", handled.read_text())
        if caught and int(caught[1], 16) >> (signal.SIGTERM - 1) & 1 and "wait_for_partner" in waiting.read_text():
            break
        time.sleep(0.02)
    else:
        pytest.skip("this kernel does not say when a process waits for a FIFO")
    child.send_signal(number)
    out, _ = child.communicate(timeout=30)
    assert child.returncode == code
    assert json.loads(out)["errors"][0]["code"] == "cancelled"


INTERRUPTED_EARLY = """
import os, signal, sys
from importlib.abc import MetaPathFinder
signal.signal(signal.SIGINT, signal.default_int_handler)
class Early(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == "nimwrap.cli.main":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Early())
from nimwrap.__main__ import main
sys.exit(main())
"""


def test_ctrl_c_while_our_own_modules_are_being_read(tmp_path: Path) -> None:
    def early(*arguments: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-c", INTERRUPTED_EARLY, *arguments]
        return subprocess.run(argv, env=environment(tmp_path), capture_output=True, text=True, check=False)

    plain = early("status")
    assert (plain.returncode, plain.stdout, plain.stderr) == (130, "", "error: interrupted\n")
    as_json = early("status", "--json")
    assert (as_json.returncode, as_json.stderr) == (130, "")
    envelope = json.loads(as_json.stdout)
    assert list(envelope) == ENVELOPE
    assert envelope["errors"] == [{"code": "cancelled", "message": "interrupted", "hint": "", "client": None}]


@pytest.mark.parametrize("arguments", [("config", "schema"), ("config", "schema", "--json"), ("--help",)])
def test_a_reader_who_leaves_is_no_error(arguments: tuple[str, ...], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        command(*arguments), stdout=writing, stderr=subprocess.PIPE, env=environment(tmp_path), check=False
    )
    os.close(writing)
    assert done.stderr == b""
    assert done.returncode == 0


def test_closed_and_full_streams(tmp_path: Path) -> None:
    shell = f"{sys.executable} -m nimwrap config init"
    closed = subprocess.run(["/bin/sh", "-c", f"{shell} >&- 2>&-"], env=environment(tmp_path), check=False)
    assert closed.returncode == 0
    full = subprocess.run(
        ["/bin/sh", "-c", f"{shell} >/dev/full"], env=environment(tmp_path), capture_output=True, text=True, check=False
    )
    assert full.returncode == 1
    assert full.stderr == "error: the result could not be written to stdout: No space left on device\n"


@pytest.mark.parametrize(
    ("env", "before", "coloured"),
    [
        ({"TERM": "xterm"}, (), True),
        ({"TERM": "dumb"}, (), False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, (), False),
        ({"TERM": "xterm", "NO_COLOR": ""}, (), True),
        ({"TERM": "xterm"}, ("--no-color",), False),
    ],
)
def test_colours_only_where_they_are_wanted(
    env: dict[str, str], before: tuple[str, ...], coloured: bool, tmp_path: Path
) -> None:
    said = on_terminal(*before, "config", "validate", home=tmp_path, **env)
    assert "error:" in said
    assert ("\x1b[31m" in said) is coloured
    assert ("\x1b" in said) is coloured


def test_messages_as_json_lines(run_cli: Cli) -> None:
    ran = run_cli("--log-format", "json", "config", "validate")
    (line,) = (json.loads(text) for text in ran.stderr.splitlines())
    assert (line["level"], line["code"]) == ("error", "config_invalid")
    assert line["time"].endswith("+00:00")
    assert line["hint"]


def test_messages_under_systemd_carry_priorities(run_cli: Cli) -> None:
    ran = run_cli("config", "validate", env={"JOURNAL_STREAM": "8:1234"})
    assert [line[:10] for line in ran.stderr.splitlines()] == ["<3>error: ", "<3>hint: `"]


def test_what_libraries_log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import logging

    def chatter() -> str:
        logging.getLogger("paramiko.transport").error("noise")
        logging.getLogger("nimwrap.x").warning("heard")
        logging.getLogger("nimwrap.x").info("told")
        return ""

    verb_that(chatter, monkeypatch)  # type: ignore[arg-type]
    main(["config", "init"])
    assert capsys.readouterr().err == "heard\ntold\n"
    main(["-q", "config", "init"])
    assert capsys.readouterr().err == "heard\n"
    main(["-v", "config", "init"])
    assert "noise\n" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "status"), [(0, "success"), (3, "partial"), (1, "error"), (99, "error")])
def test_status_follows_the_exit_code(code: int, status: str) -> None:
    assert Result("x", {}, code).envelope()["status"] == status


def test_every_verb_file_is_in_the_table_of_commands() -> None:
    files = {
        path.stem
        for path in (ROOT / "nimwrap" / "cli" / "verbs").glob("*.py")
        if "\ndef register(app" in path.read_text()
    }
    assert files == {module for _, modules in SECTIONS for module in modules}
