"""The engine's round trips: how few they are, and what becomes of a client when one of them fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from nimwrap.config.model import Config, MasterConfig
from nimwrap.domain.codes import ExitCode, FailureCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import CheckVerdict
from nimwrap.domain.records import SourceAddress
from nimwrap.hosts.protocol import CommandResult
from nimwrap.hosts.script_batch import Answer
from nimwrap.preflight.engine import Deadline, preflight, recheck_source
from nimwrap.preflight.preflight_report import PreflightReport, Prior
from tests.preflight.case_files import base

MASTER = MasterConfig("nim", transport="local", client_channel="ssh")
CONFIG = Config(masters={"nim": MASTER})
NOW = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
_MARK = re.compile(r"@@([0-9a-f]+) begin")


@dataclass
class CannedMaster:
    """A Host that answers every questionnaire from the case, whatever its nonce; a step can be lost or refused."""

    answers: dict[tuple[str, str], Answer | None] = field(default_factory=lambda: base().answers)
    lost: int | None = None
    clients: list[str] = field(default_factory=lambda: ["powerha1"])
    scripts: list[str] = field(default_factory=list)
    name: str = "nim"

    def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
        self.scripts.append(script)
        if self.lost == len(self.scripts):
            return CommandResult(None, "", "connection lost", timeout)
        return CommandResult(0, self._said(script), "", 0.1)

    def close(self) -> None:
        pass

    def _said(self, script: str) -> str:
        nonces = list(dict.fromkeys(_MARK.findall(script)))
        if "nw_look" not in script:
            return self._side("master" if "/usr/sbin/lsnim" in script else "names", nonces[0])
        outer = next(nonce for nonce in nonces if len(nonce) == 12)
        inner = [nonce for nonce in nonces if nonce != outer]
        client = f"{self._side('client', inner[0])}\nnw_rc=0\n"
        client += self._side("names", inner[1]) if len(inner) > 1 else ""
        own = self._side("master", inner[2]) if len(inner) > 2 else ""
        return own + "".join(
            f"@@{outer} begin {number}\n{client}\n@@{outer} end {number} 0\n" for number in range(len(self.clients))
        )

    def _side(self, side: str, nonce: str) -> str:
        return "".join(
            f"\n@@{nonce} begin {name}\n{answer.output}\n@@{nonce} end {name} {answer.returncode}\n"
            for (where, name), answer in self.answers.items()
            if where == side and answer is not None
        )


LISTED = Prior(host="powerha1", master_name="nim")


def looked(host: CannedMaster, *clients: str, prior: Prior = LISTED) -> list[PreflightReport]:
    names = clients or ("powerha1",)
    return preflight(host, MASTER, CONFIG, names, dict.fromkeys(names[:1], prior), NOW)


def test_one_round_trip_for_a_whole_preflight() -> None:
    host = CannedMaster()
    (report,) = looked(host)
    assert report.verdict is CheckVerdict.WARNING
    assert report.source_address == SourceAddress("10.10.10.101", "10.10.10.102", "perl")
    assert report.admission is not None
    assert report.admission.hosts == ("10.10.10.101", "10.10.10.102", "powerha1", "powerha1-vip")
    assert report.remedies == ("own-mount", "pre-export")
    assert (report.node, report.machine_id) == ("powerha1", "00F60A654C00")
    assert report.directory == "/export/nim/mksysb/powerha1"
    assert report.mount_point == "/export/nim"
    assert len(host.scripts) == 1


@pytest.mark.parametrize("believed", [Prior(), replace(LISTED, host="old-name"), replace(LISTED, master_name="other")])
def test_what_a_listing_said_wrongly_is_asked_again(believed: Prior) -> None:
    host = CannedMaster()
    (report,) = looked(host, prior=believed)
    assert len(host.scripts) == 2
    assert "nw_h=powerha1" in host.scripts[1]
    assert "/usr/sbin/lsnim" not in host.scripts[1]
    assert report == looked(CannedMaster())[0]


def test_a_further_round_trip_for_what_the_answers_bring_up() -> None:
    host = CannedMaster()
    traced = "nw_master nim\nnw_perl\nnot found\nnw_traceroute\nsource should be 10.10.10.102\n"
    host.answers["client", "source"] = Answer(0, traced)
    late = {key: host.answers.pop(key) for key in list(host.answers) if key[0] == "names" and key[1] != "powerha1"}
    first = host.run

    def run(script: str, *, timeout: float = 120.0) -> CommandResult:
        if len(host.scripts) == 1:
            host.answers.update(late)
        return first(script, timeout=timeout)

    host.run = run  # type: ignore[method-assign]
    (report,) = looked(host)
    assert len(host.scripts) == 2
    assert report.source_address.method == "traceroute"
    assert report.admission and "powerha1-vip" in report.admission.names


def test_one_round_trip_to_see_that_the_source_is_the_same() -> None:
    host = CannedMaster()
    (report,) = looked(host)
    host.scripts.clear()
    assert recheck_source(host, MASTER, report) == SourceAddress("10.10.10.101", "10.10.10.102", "perl")
    assert len(host.scripts) == 1


def test_another_source_counts_when_an_interface_of_the_client_holds_it() -> None:
    host = CannedMaster()
    (report,) = looked(host)
    host.scripts.clear()
    host.answers["client", "source"] = Answer(0, "nw_master nim\nnw_perl\n10.10.10.101\n")
    assert recheck_source(host, MASTER, report) == SourceAddress("10.10.10.101", "10.10.10.101", "perl")
    assert len(host.scripts) == 2


@pytest.mark.parametrize("said", ["nw_master nim\nnw_perl\n10.99.0.7\n", "nw_master nim\nnw_perl\nnot found\n", ""])
def test_a_second_look_that_proves_nothing_names_no_address(said: str) -> None:
    host = CannedMaster()
    (report,) = looked(host)
    host.answers["client", "source"] = Answer(0, said)
    assert recheck_source(host, MASTER, report).actual is None


def test_a_master_that_says_nothing_is_the_failure_of_every_client() -> None:
    reports = looked(CannedMaster(lost=1), "powerha1", "aix01")
    assert [report.ref.client for report in reports] == ["powerha1", "aix01"]
    assert {report.failure.code for report in reports if report.failure} == {FailureCode.MASTER_UNREACHABLE}


def test_a_connection_lost_while_the_client_is_asked_is_never_ready() -> None:
    (report,) = looked(CannedMaster(lost=2), prior=Prior())
    assert report.verdict is CheckVerdict.REFUSED
    assert report.failure and "lost" in report.failure.message
    assert report.admission is None


@pytest.mark.parametrize("code", ["host_key_changed", "login_refused", "master_unreachable"])
def test_trouble_with_the_master_keeps_its_code(code: str) -> None:
    class Closed(CannedMaster):
        def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
            raise NimwrapError("no way in", code=code, hint="look at known_hosts", exit_code=ExitCode.MASTER)

    (report,) = looked(Closed())
    assert report.failure is not None
    assert (report.failure.code, report.failure.fix) == (code, "look at known_hosts")


def test_names_that_may_not_reach_a_shell_never_do() -> None:
    hostile = ["$(reboot)", "a;b", "../x", "x\ny"]
    host = CannedMaster()
    reports = looked(host, *hostile)
    assert {report.failure.code for report in reports if report.failure} <= {
        FailureCode.NAME_INVALID,
        FailureCode.CLIENT_UNKNOWN,
    }
    assert not any(name in script for name in hostile for script in host.scripts)


def test_the_deadline_leaves_at_least_a_second() -> None:
    times: Callable[[], float] = iter([0.0, 4.0, 100.0]).__next__
    deadline = Deadline(10.0, times)
    assert deadline.left(60) == 6.0
    assert deadline.left(60) == 1.0
