"""Whatever a host prints: a finding for each check, never a crash, and nothing let in on garbled facts."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from nimwrap.domain.findings import CheckStatus
from nimwrap.hosts.script_batch import Answer
from nimwrap.preflight.checks import CHECKS
from nimwrap.preflight.possible_remedies import remedies_in_order
from tests.preflight.case_files import base

QUESTIONS = sorted(base().answers)
NOISE = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="abc:=/-. \n\t0123456789", max_size=400),
    st.binary(max_size=200).map(lambda data: data.decode("utf-8", "replace")),
)


@st.composite
def damaged(draw: st.DrawFn, whole: str) -> str:
    """``whole`` cut, doubled, with noise in it, or noise alone."""
    cut = draw(st.integers(0, len(whole)))
    noise = draw(NOISE)
    forms = [noise, whole[:cut], whole[:cut] + noise, whole[:cut] + noise + whole[cut:], whole + whole]
    return draw(st.sampled_from(forms))


@settings(max_examples=400)
@given(data=st.data(), questions=st.lists(st.sampled_from(QUESTIONS), min_size=1, max_size=4, unique=True))
def test_damaged_answers(data: st.DataObject, questions: Sequence[tuple[str, str]]) -> None:
    case = base()
    for question in questions:
        answer = case.answers[question]
        assert answer is not None
        status = data.draw(st.sampled_from([0, 1, 127, None]))
        case.answers[question] = Answer(status, data.draw(damaged(answer.output)))
    report = case.report()
    assert [finding.check for finding in report.findings] == [name for name, _ in CHECKS]
    assert all(finding.message for finding in report.findings)
    facts = case.situation()
    if report.admission:
        assert set(report.admission.addresses) <= facts.client.own_addresses
        assert report.source_address.method in ("perl", "traceroute")
    if report.remedies:
        assert report.admission and report.source_differs


@given(st.sampled_from(QUESTIONS))
@settings(max_examples=len(QUESTIONS) * 2)
def test_an_answer_that_never_came_is_never_ok(question: tuple[str, str]) -> None:
    """The check that rests on it says so; the one that names open questions does, too."""
    case = base()
    whole = case.findings()
    case.answers[question] = None
    changed = case.findings()
    assert question[0] == "names" or changed["deadline"].status is CheckStatus.WARNING
    fine = {name for name, finding in changed.items() if finding.status is CheckStatus.OK}
    assert fine <= {name for name, finding in whole.items() if finding.status is CheckStatus.OK}


def test_remedies_in_order() -> None:
    policy = base().situation().policy
    assert remedies_in_order(policy, ()) == ("own-mount", "pre-export")
    assert remedies_in_order(policy, ("pre-export", "own-mount")) == ("pre-export", "own-mount")
    assert remedies_in_order(policy, ("gone", "pre-export")) == ("pre-export", "own-mount")
