"""One client's situation from case files: the answers to every question, of which a case changes a few."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from nimwrap.config.model import BackupPolicy, MasterConfig
from nimwrap.domain.findings import Finding
from nimwrap.domain.records import ClientRef
from nimwrap.hosts.client_channel import ChannelAnswer
from nimwrap.hosts.script_batch import Answer
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.checks import run_checks
from nimwrap.preflight.client_facts import read_client, unasked
from nimwrap.preflight.host_names import read_names
from nimwrap.preflight.master_facts import read_master
from nimwrap.preflight.preflight_report import PreflightReport, Prior
from nimwrap.preflight.report_builder import report_of

HERE = Path(__file__).parent
NONCE = "c0ffee00"
NOW = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)


@dataclass
class Case:
    """Answers by (side, question), and what is expected of one check. ``channel``: what c_rsh said instead."""

    answers: dict[tuple[str, str], Answer | None] = field(default_factory=dict)
    expected: dict[str, list[str]] = field(default_factory=dict)
    policy: str = ""
    prior: str = ""
    channel: str | None = None

    def situation(self, client: str = "powerha1") -> CheckContext:
        answers: dict[str, dict[str, Answer]] = {"master": {}, "client": {}, "names": {}}
        for (side, name), answer in self.answers.items():
            if answer is not None:
                answers[side][name] = answer
        settings = {
            key: tuple(value) if isinstance(value, list) else value for key, value in tomllib.loads(self.policy).items()
        }
        prior = {key: tuple(value) for key, value in tomllib.loads(self.prior).items()}
        said = "".join(_as_printed(name, answer) for name, answer in answers["client"].items())
        reached = self.channel is None
        return CheckContext(
            ClientRef("nim", client),
            replace(BackupPolicy(), **settings),
            MasterConfig("nim", client_channel="c_rsh"),
            Prior(**prior),
            NOW,
            read_master(answers["master"]),
            read_client(said, NONCE) if reached else unasked("the client was not reached"),
            ChannelAnswer(reached, 0 if reached else None, said if reached else self.channel or ""),
            read_names(answers["names"]),
            1.0,
        )

    def findings(self) -> dict[str, Finding]:
        return {finding.check: finding for finding in run_checks(self.situation())}

    def report(self) -> PreflightReport:
        situation = self.situation()
        return report_of(situation, run_checks(situation))


def _as_printed(name: str, answer: Answer) -> str:
    end = f"\n@@{NONCE} end {name} {answer.returncode}\n" if answer.returncode is not None else "\n"
    return f"\n@@{NONCE} begin {name}\n{answer.output}{end}"


def load(path: Path) -> Case:
    """A case file, over the founding case."""
    case = _read(HERE / "base.case")
    own = _read(path)
    case.answers.update(own.answers)
    case.expected, case.policy, case.prior, case.channel = own.expected, own.policy, own.prior, own.channel
    return case


def base() -> Case:
    return _read(HERE / "base.case")


def _read(path: Path) -> Case:
    case = Case()
    head, *sections = re.split(r"^--- ", path.read_text(), flags=re.MULTILINE)
    for line in head.splitlines():
        if line.strip() and not line.startswith("#"):
            key, _, value = line.partition(":")
            case.expected.setdefault(key, []).append(value.strip())
    for section in sections:
        title, _, body = section.partition("\n")
        side, *words = title.split()
        if side in ("policy", "prior"):
            setattr(case, side, body)
        elif side == "channel":
            case.channel = body
        else:
            case.answers[side, words[0]] = _answer(words[1:], body)
    return case


def _answer(status: list[str], body: str) -> Answer | None:
    """``hangs``: ended by its limit; ``absent``: the question was not answered at all."""
    word = status[0] if status else "0"
    if word == "absent":
        return None
    return Answer(None if word == "hangs" else int(word), body)
