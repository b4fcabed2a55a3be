"""What the classifier promises beyond its data files (``data/classify.classify``)."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from nimwrap.aix.classify import EVIDENCE_LIMIT, classify, killed_by_signal
from nimwrap.aix.failure_rules import RULES
from nimwrap.domain.codes import FailureCode

CASES = sorted((Path(__file__).parent / "data" / "classify.classify").glob("*.json"))


def test_every_rule_decides_some_case() -> None:
    messages = [json.loads(path.read_text())["message"] for path in CASES]
    silent = [rule.says for rule in RULES if not any(message.startswith(rule.says) for message in messages)]
    assert silent == []


def test_a_generic_code_alone_is_unknown_and_keeps_its_words() -> None:
    output = '0042-175 c_mkbosi: An unexpected result was returned by the "/bin/x" command:\n\nstrange\n'
    failure = classify(output, 175)
    assert failure.code is FailureCode.UNKNOWN
    assert failure.message.endswith('"/bin/x" command: strange')


def test_the_cluster_cure_is_offered_as_a_possibility_only() -> None:
    fix = classify("mount: 1831-011 access denied for nim:/images\n", 175).fix
    assert "If this is a cluster node" in fix
    assert "Disable Firstalias" in fix


def test_evidence_is_the_end_of_a_long_output() -> None:
    failure = classify("x" * 50_000 + "\nmount: 1831-011 access denied for nim:/images\n", 1)
    assert len(failure.evidence) == EVIDENCE_LIMIT
    assert failure.evidence.endswith("access denied for nim:/images")


@pytest.mark.parametrize(
    ("status", "signal"),
    [
        (0, False),
        (1, False),
        (175, False),
        (127, False),
        (None, False),
        (130, True),
        (137, True),
        (143, True),
        (265, True),
        (-9, True),
    ],
)
def test_statuses_that_a_signal_leaves(status: int | None, signal: bool) -> None:
    assert killed_by_signal(status) is signal


@pytest.mark.parametrize("text", ["", "\n", "rc=1\n", "nw_rc=1"])
def test_silence_is_never_an_empty_failure(text: str) -> None:
    failure = classify(text, 1)
    assert failure.code is FailureCode.UNKNOWN
    assert failure.message.strip()
    assert failure.evidence.strip()


@pytest.mark.parametrize("piece", ["1831-008 ", "exportfs:", "cpuid ", "sub-directory ", "volume group ", " ", "."])
def test_a_long_line_costs_no_long_time(piece: str) -> None:
    begun = time.process_time()
    classify(piece * (40_000 // len(piece)) + "x", 1)
    assert time.process_time() - begun < 1.0
