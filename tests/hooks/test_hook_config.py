"""``[[hooks]]``: every fault with its line, and what may be named when."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import Cli

HEAD = '[masters.nim]\ntransport = "local"\n\n'
GOOD = '[[hooks]]\nwhen = "before"\nrun = ["/bin/true"]\n'
CASES = {
    "no when": ('[[hooks]]\nrun = ["/bin/true"]\n', 4, "a hook has no when"),
    "no run": ('[[hooks]]\nwhen = "after"\n', 4, "a hook has no run"),
    "the second": (GOOD + '[[hooks]]\nwhen = "afterwards"\nrun = ["/bin/true"]\n', 8, "is not one of"),
    "a line": ('[[hooks]]\nwhen = "after"\nrun = "true {client}"\n', 6, "must be an array of words"),
    "not in full": ('[[hooks]]\nwhen = "after"\nrun = ["true"]\n', 6, "not a program in full"),
    "no such hole": ('[[hooks]]\nwhen = "after"\nrun = ["/bin/true", "{cleint}"]\n', 6, "stands for nothing"),
    "not yet known": ('[[hooks]]\nwhen = "before"\nrun = ["/bin/true", "{outcome}"]\n', 6, "not known at before"),
    "no client": ('[[hooks]]\nwhen = "fleet-after"\non = "client"\nrun = ["/bin/true"]\n', 6, "has no client"),
    "no such group": (GOOD + 'targets = ["group:none"]\n', 7, "is no group"),
    "one table": ('[hooks]\nwhen = "before"\n', 4, "write [[hooks]]"),
    "unknown key": (GOOD + "tiemout = 3\n", 7, "unknown key"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_told_with_its_line(case: str, tmp_path: Path, run_cli: Cli) -> None:
    text, line, message = CASES[case]
    file = tmp_path / "nimwrap.toml"
    file.write_text(HEAD + text)
    ran = run_cli("config", "validate", "--json", config=file)
    assert ran.exit_code == 78
    told = [error["message"] for error in ran.json["errors"]]
    assert any(f":{line}: " in one and message in one for one in told), told


def test_what_holds_is_shown(tmp_path: Path, run_cli: Cli) -> None:
    file = tmp_path / "nimwrap.toml"
    file.write_text(HEAD + GOOD)
    shown = run_cli("config", "show", config=file)
    assert shown.exit_code == 0
    assert "hooks.0.timeout" in shown.stdout


def test_a_program_of_this_machine_that_is_not_there_is_found_before_the_night(tmp_path: Path, run_cli: Cli) -> None:
    file = tmp_path / "nimwrap.toml"
    file.write_text(HEAD + GOOD.replace("/bin/true", "/no/such/program") + 'on = "control"\n')
    told = run_cli("config", "validate", "--json", config=file).json
    messages = [one["message"] for one in told["errors"] + told["warnings"]]
    assert any(":6: " in one and "/no/such/program does not exist" in one for one in messages), told
