"""``explain`` knows every code of the references and every failure code, and puts the nearest cause first."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nimwrap.aix.failure_rules import RULES
from nimwrap.aix.message_catalogue import NIM_LIST, codes_in, entries, explain, pages
from nimwrap.domain.codes import FailureCode

REFERENCES = Path(__file__).parents[2].parent / "shared" / "reference"
DENIED = (Path(__file__).parent / "data" / "messages.messages" / "wrapped-and-repeated.txt").read_text()


@pytest.mark.parametrize("code", list(FailureCode))
def test_every_failure_code_is_explained(code: FailureCode) -> None:
    assert [explanation.code for explanation in explain(code)] == [code]
    assert explain(code.upper().replace("_", "-")) == explain(code)


def test_every_entry_is_complete() -> None:
    for code, entry in entries().items():
        told = entry.explanation
        assert all((told.says, told.causes, told.run, told.nimwrap, told.source)), code
        assert entry.family or explain(code)[0] == told, code


def test_sources_can_be_opened_and_what_was_seen_is_a_statement_of_the_entry() -> None:
    used = set()
    for code, entry in entries().items():
        told = entry.explanation
        statements = {"message", "cure", *(f"cause {number}" for number in range(1, len(told.causes) + 1))}
        assert set(told.seen) <= statements, code
        used |= set(told.sources)
    assert used == set(pages().values()), "a page that no entry names"
    for page in used:
        assert re.fullmatch(r"https?://[a-z0-9.-]+\.[a-z]+/\S+", page.address), page
        assert len(page.title) > 10
    assert not [code for code, entry in entries().items() if re.search(r"aix-nim|powerha \d", entry.explanation.source)]


def test_every_entry_is_found_again_by_its_own_phrases() -> None:
    samples = {
        "a line: unknown host": "unknown host",
        "savevg: File too large": "File too large",
        "exportfs: /a: Cannot be exported": "Cannot be exported",
        "No space left on device": "No space left",
        "There is not enough space in the file system.": "No space left",
        "sub-directory (/a/b) already exported": "Cannot be exported",
        "nim: not in hosts database": "not in hosts database",
        "vmount: Operation not permitted.": "vmount: Operation not permitted",
        "rc=175": "0042-175",
        "Connection timed out": "A connection failed",
        "ERROR: RP_FAILED": "ST_UNSTABLE",
        "cldare: Error detected during synchronization.": "cldare: Error detected during synchronization",
        "ERROR:Comm error found on node:q": "Communication error, see logfile",
    }
    assert {text: explain(text)[0].code for text in samples} == samples


def test_the_mount_comes_before_the_codes_that_only_announce_it() -> None:
    assert [told.code for told in explain(DENIED)] == ["1831-011", "1831-008", "0042-175", "0042-001"]


def test_good_news_comes_last() -> None:
    log = "0512-038 savevg: Backup Completed Successfully.\n0512-003 savevg may not have been able to archive\n"
    assert [told.code for told in explain(log)] == ["0512-003", "0512-038"]


def test_the_exit_status_of_nim_is_a_code() -> None:
    assert explain("175") == explain("rc=175") == explain("0042-175")


def test_a_message_of_mksysb_that_nobody_published_is_not_called_success() -> None:
    told = explain("0512-999 savevg: words")[0]
    assert told.code == "0512-999"
    assert "not documented" in told.says


@pytest.mark.parametrize("text", ["0042-999", "1234-567", "hello", "", "   ", "0042", "0512", "7300-01-02-2320"])
def test_nothing_is_invented(text: str) -> None:
    assert explain(text) == []


def test_codes_that_only_ibms_list_explains_give_its_address() -> None:
    for number in ("014", "022", "058", "061", "086", "109", "124", "157", "204"):
        told = explain(f"0042-{number}")[0]
        assert NIM_LIST in told.run
        assert "ocumented publicly" not in told.says
    assert not any(
        "ocumented publicly" in entry.explanation.says for code, entry in entries().items() if code[:4] == "0042"
    )


@pytest.mark.parametrize(
    ("code", "speaker"),
    [
        ("0301-150", "bosboot"),
        ("0503-008", "installp"),
        ("0505-100", "alt_disk"),
        ("0511-123", "restore"),
        ("0516-700", "logical volume manager"),
        ("0565-003", "multibos"),
        ("1832-004", "RPC"),
    ],
)
def test_a_family_says_who_speaks_and_how_to_go_on(code: str, speaker: str) -> None:
    (told,) = explain(code)
    assert speaker in told.says
    assert told.run


def test_codes_named_by_a_rule_of_the_classifier_are_explained() -> None:
    named = {code for rule in RULES for code in re.findall(r"\d{4}-\d{3,4}", rule.pattern.pattern)}
    assert named
    assert named - set(entries()) == set()


@pytest.mark.skipif(not REFERENCES.is_dir(), reason="../shared/reference is not beside the project")
def test_every_code_that_the_references_list_is_explained() -> None:
    catalogue = (REFERENCES / "aix-nim.md").read_text().partition("## 6. Error catalogue")[2].partition("\n## 7")[0]
    listed = set(codes_in(catalogue)) | {f"0042-{number}" for number in re.findall(r"^\| (\d{3}) \|", catalogue, re.M)}
    listed |= set(codes_in((REFERENCES / "powerha.md").read_text()))
    assert len(listed) > 20
    assert listed - set(entries()) == set()
