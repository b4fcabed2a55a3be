"""Each check against answers from data files: a new odd answer is a new file."""

from __future__ import annotations

from pathlib import Path

import pytest

from nimwrap.domain.findings import CheckStatus, CheckVerdict
from nimwrap.preflight.checks import CHECKS
from tests.preflight.case_files import HERE, base, load

CASES = sorted((HERE / "cases").glob("*.case"))


def test_the_founding_case_warns_of_its_source_address_and_of_nothing_else() -> None:
    report = base().report()
    assert report.verdict is CheckVerdict.WARNING
    assert [one.check for one in report.findings if one.status is not CheckStatus.OK] == ["source_address"]
    assert report.client_mounts == ("/mnt",), "what comes from another machine, and nothing else"


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path) -> None:
    """``check``, ``status``, ``failure`` (or none), and lines that its message, fix or evidence must have."""
    case = load(path)
    (check,) = case.expected["check"]
    finding = case.findings()[check]
    assert finding.status == case.expected["status"][0], finding
    assert (finding.failure or "none") == case.expected.get("failure", ["none"])[0], finding
    for part in ("message", "fix", "evidence"):
        for text in case.expected.get(part, []):
            assert text in getattr(finding, part), finding
        for text in case.expected.get(f"no {part}", []):
            assert text not in getattr(finding, part), finding
    if finding.status in (CheckStatus.WARNING, CheckStatus.FAILED):
        assert finding.fix
    assert case.report().verdict == case.expected.get("verdict", [case.report().verdict])[0]


def test_every_check_has_a_case_in_which_it_is_not_ok() -> None:
    seen = {load(path).expected["check"][0] for path in CASES if load(path).expected["status"] != ["ok"]}
    assert seen == {name for name, _ in CHECKS}
