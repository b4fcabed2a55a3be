"""``nimwrap explain`` as a user calls it; it needs no configuration and no master."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.running import Cli

LOG = (Path(__file__).parents[1] / "aix" / "data" / "messages.messages" / "wrapped-and-repeated.txt").read_text()


def test_a_code(run_cli: Cli) -> None:
    ran = run_cli("explain", "0042-175", "--json")
    assert ran.exit_code == 0
    (told,) = ran.data["explanations"]
    assert set(told) == {"code", "says", "causes", "run", "nimwrap", "source", "sources", "seen"}
    assert told["code"] == "0042-175"
    assert told["causes"]
    assert told["run"]


def test_a_pasted_log_begins_with_the_nearest_cause(run_cli: Cli) -> None:
    ran = run_cli("explain", "-", "--json", stdin=LOG)
    assert [told["code"] for told in ran.data["explanations"]] == ["1831-011", "1831-008", "0042-175", "0042-001"]


def test_the_text_form_names_the_cure_and_the_source(run_cli: Cli) -> None:
    ran = run_cli("explain", "1831-011")
    assert ran.exit_code == 0
    assert ran.lines[0] == "1831-011"
    assert "Disable Firstalias" in ran.stdout
    assert "https://blog.kristijan.org/posts/PowerHA-SystemMirror-and-NIM-mksysb-failures/" in ran.stdout
    assert "  seen:    on a real machine: the message, cause 1, the cure; the rest is from" in ran.stdout


def test_what_nobody_has_seen_on_a_machine_is_said_to_be_so(run_cli: Cli) -> None:
    assert "nothing of this stands in the output of a real machine" in run_cli("explain", "0042-008").stdout
    own = run_cli("explain", "login_refused").stdout
    assert "seen:" not in own
    assert "nimwrap's own failure code" in own


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (["source_address_mismatch"], "source_address_mismatch"),
        (["exportfs: wombat: unknown host"], "unknown host"),
        (["write", "error:", "File", "too", "large"], "File too large"),
    ],
)
def test_phrases_and_our_own_codes(run_cli: Cli, asked: list[str], code: str) -> None:
    assert run_cli("explain", *asked, "--json").data["explanations"][0]["code"] == code


def test_an_unknown_code_is_an_honest_failure(run_cli: Cli) -> None:
    ran = run_cli("explain", "0042-999", "--json")
    assert (ran.exit_code, ran.json["status"], ran.data["explanations"]) == (1, "error", [])
    (error,) = ran.json["errors"]
    assert "0042-999" in error["message"]
    assert error["hint"]
    assert "error: nothing is known about 0042-999" in run_cli("explain", "0042-999").stderr


def test_an_unknown_code_beside_a_known_one_is_a_warning(run_cli: Cli) -> None:
    ran = run_cli("explain", "-", "--json", stdin="0404-168 bosboot: words\n0042-001 nim: error\n")
    assert ran.exit_code == 0
    assert ["0404-168" in warning["message"] for warning in ran.json["warnings"]] == [True]


def test_odd_bytes_on_stdin_do_no_harm(run_cli: Cli) -> None:
    ran = run_cli("explain", "-", "--json", stdin="\x1b[31m1831-019\x00 \u0085\ufffd\n")
    assert ran.data["explanations"][0]["code"] == "1831-019"


@pytest.mark.parametrize("arguments", [["explain"], ["explain", ""], ["explain", "-"]])
def test_nothing_to_explain_is_a_wrong_call(run_cli: Cli, arguments: list[str]) -> None:
    assert run_cli(*arguments, stdin="").exit_code == 2
