"""Stored rows as JSON: exactly the keys that INTERFACE section 4 fixes."""

from __future__ import annotations

import json

import pytest

from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.findings import Failure
from nimwrap.history.json_view import change_json, runs_json, story_json
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from tests.history.samples import EXPORTED, MESSAGE, a_run, at, tell_founding_case

RUN = [
    "id",
    "client",
    "master",
    "actor",
    "control_host",
    "kind",
    "outcome",
    "failure",
    "findings",
    "attempts",
    "source_address",
    "cluster",
    "remedy",
    "image",
    "started",
    "ended",
    "duration_s",
    "waited_s",
]
ATTEMPT = ["number", "started", "ended", "returncode", "failure_code", "remedy"]
IMAGE = ["resource", "location", "size_bytes", "verified", "verified_by"]
CHANGE = ["id", "run", "master", "directory", "before", "after", "state", "applied", "reverted"]


@pytest.fixture
def told(store: Store) -> str:
    return tell_founding_case(store)


def test_a_run_of_backup_has_its_keys_and_no_others(reader: Reader, told: str) -> None:
    shown = runs_json(reader, reader.runs_by_id([told]), evidence=True)[0]
    assert list(shown) == RUN
    assert list(shown["attempts"][0]) == ATTEMPT
    assert list(shown["image"]) == IMAGE
    assert list(shown["findings"][1]) == ["check", "status", "message", "fix", "evidence"]
    assert shown["source_address"] == {"expected": "10.20.0.51", "actual": "10.20.0.52", "method": "perl"}
    assert shown["cluster"] == {
        "name": "powerha",
        "state": "ST_STABLE",
        "service_addresses": ["10.20.0.52"],
        "resource_groups": [{"name": "app_rg", "state": "ONLINE", "node": "powerha1"}],
        "nodes": [],
    }
    assert (shown["image"]["verified"], shown["image"]["verified_by"]) == (True, ["0512-038", "lsmksysb"])
    assert (shown["started"], shown["duration_s"], shown["failure"]) == ("2026-11-22T15:00:00+00:00", 720.0, None)


def test_history_leaves_findings_and_evidence_out(reader: Reader, told: str) -> None:
    ok, refused = runs_json(reader, reader.runs(), evidence=False)
    assert list(ok) == [key for key in RUN if key != "findings"]
    assert refused["failure"] == {
        "code": "source_address_mismatch",
        "message": "the packets leave with 10.20.0.52",
        "fix": "smitty cm_service_ip",
    }
    assert (refused["cluster"], refused["image"], refused["attempts"]) == (None, None, [])


def test_a_failure_of_backup_has_its_evidence(reader: Reader, told: str) -> None:
    refused = runs_json(reader, reader.runs(outcomes=["refused"]), evidence=True)[0]
    assert list(refused["failure"]) == ["code", "message", "fix", "evidence"]
    assert refused["failure"]["evidence"] == MESSAGE


def test_a_run_that_goes_on_has_no_end(store: Store, reader: Reader) -> None:
    store.begin_run(a_run("r1"))
    shown = runs_json(reader, reader.runs(), evidence=True)[0]
    assert list(shown) == RUN
    assert (shown["outcome"], shown["ended"], shown["duration_s"], shown["findings"]) == ("running", None, None, [])


def test_what_is_not_known_is_an_empty_text_not_nothing(store: Store, reader: Reader) -> None:
    store.record_run(a_run("r1", outcome=Outcome.FAILED, failure=Failure(FailureCode.UNKNOWN, "0042-999 what?")))
    shown = runs_json(reader, reader.runs(), evidence=True)[0]
    assert shown["failure"] == {"code": "unknown", "message": "0042-999 what?", "fix": "", "evidence": ""}


def test_the_story_adds_outputs_changes_and_events(reader: Reader, told: str) -> None:
    story = story_json(reader, reader.run(told))
    assert list(story)[: len(RUN)] == RUN
    assert list(story["attempts"][0]) == [*ATTEMPT, "location", "resource", "output"]
    assert "0512-038" in story["attempts"][0]["output"]
    assert story["events"][0]["data"]["script"] == "/usr/sbin/exportfs"
    change = story["export_changes"][0]
    assert list(change)[: len(CHANGE)] == CHANGE
    assert (change["before"], change["after"], change["added"]) == (None, EXPORTED, ["10.20.0.52"])
    assert story["image"]["oslevel"] == "7300-02-01-2346"
    json.dumps(story)


def test_a_change_in_force_has_not_been_reverted(store: Store, reader: Reader) -> None:
    store.begin_run(a_run("r1"))
    store.plan_change("r1", "nim", "/d", added=["a"], before=None, at=at(0))
    shown = change_json(reader.open_changes()[0])
    assert (shown["state"], shown["applied"], shown["reverted"]) == ("planned", None, None)
