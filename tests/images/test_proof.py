"""The proof of a new image, against images that the estate really makes, and really spoils."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.errors import NimwrapError
from tests.cutting import bent
from tests.images.imagelab import Lab


def test_a_whole_image_is_proven_with_every_evidence_named(lab: Lab) -> None:
    expected, location = lab.attempt("aix01")
    proof = lab.prove(expected)
    assert proof.outcome is Outcome.OK, proof
    assert proof.verified_by == ("rc 0", "0512-038", "file", "lsmksysb", "host", "restore -T", "resource")
    assert proof.size_bytes == lab.disk(location).stat().st_size
    assert (proof.node, proof.oslevel, proof.file_count) == ("aix01", "7200-05-04-2220", 1200)
    assert proof.cksum and proof.cksum.endswith(f" {proof.size_bytes}")


def test_with_earlier_images_of_that_size_nothing_more_is_read(lab: Lab) -> None:
    size = lab.make(days=1).size_bytes
    proof = lab.prove(lab.attempt("aix01", sizes=(size,), file_counts=(1200,))[0])
    assert proof.outcome is Outcome.OK
    assert "restore -T" not in proof.verified_by


@pytest.mark.parametrize(
    ("fault", "value", "code"),
    [
        ("truncated_image_rc0", True, FailureCode.IMAGE_TRUNCATED),
        ("no_image_rc0", True, FailureCode.IMAGE_MISSING),
        ("wrong_host_image_rc0", "aix02", FailureCode.IMAGE_WRONG_HOST),
    ],
)
@pytest.mark.parametrize("known", [True, False])
def test_success_in_all_words_and_a_bad_image(lab: Lab, fault: str, value: Any, code: FailureCode, known: bool) -> None:
    sizes = (262144, 262144) if known else ()
    lab.estate.fault(fault, value)
    proof = lab.prove(lab.attempt("aix01", sizes=sizes)[0])
    assert not proof.good
    assert proof.outcome is Outcome.FAILED
    assert proof.failure is not None
    assert proof.failure.code is code, proof.failure
    assert proof.verified_by == ()


@pytest.mark.parametrize("value", [True, "failed"])
def test_files_left_out_is_a_warning_and_the_image_counts(lab: Lab, value: Any) -> None:
    lab.estate.fault("archive_warning", value)
    expected, _ = lab.attempt("aix01")
    if expected.resource not in lab.resources():
        expected = replace(expected, resource=None)
    proof = lab.prove(expected)
    assert proof.good
    assert proof.outcome is Outcome.WARNING
    assert proof.failure is not None
    assert proof.failure.code is FailureCode.ARCHIVE_WARNING


def test_an_empty_file_and_one_of_a_few_bytes(lab: Lab) -> None:
    expected, location = lab.attempt("aix01")
    lab.disk(location).write_bytes(b"")
    assert _code(lab, expected) is FailureCode.IMAGE_MISSING
    lab.disk(location).write_bytes(b"x" * 100)
    assert _code(lab, expected) is FailureCode.IMAGE_TRUNCATED
    lab.disk(location).write_bytes(b"x" * 100_000)
    assert _code(lab, expected) is FailureCode.IMAGE_UNREADABLE


def test_the_same_node_name_on_another_machine(lab: Lab) -> None:
    expected, _ = lab.attempt("aix01", machine_id="00F600FF4C00")
    assert _code(lab, expected) is FailureCode.IMAGE_WRONG_HOST


def test_a_resource_that_is_not_there_or_elsewhere(lab: Lab) -> None:
    expected, location = lab.attempt("aix01")
    lab.undefine(expected.resource or "")
    assert _code(lab, expected) is FailureCode.NIM_REFUSED
    lab.run("cp", location, f"{location}.copy")
    lab.define(expected.resource or "", f"{location}.copy")
    assert _code(lab, expected) is FailureCode.NIM_REFUSED


def test_a_status_that_never_came_needs_the_success_message(lab: Lab) -> None:
    expected, _ = lab.attempt("aix01", returncode=None)
    assert lab.prove(expected).outcome is Outcome.OK
    assert not lab.prove(replace(expected, output="...")).good


def test_return_code_zero_alone_proves_nothing(lab: Lab) -> None:
    expected, _ = lab.attempt("aix01")
    proof = lab.prove(replace(expected, output=expected.output.replace("0512-038", "")))
    assert proof.failure is not None
    assert "0512-038" in proof.failure.message


def test_a_sudden_drop_is_a_warning_with_the_numbers(lab: Lab) -> None:
    proof = lab.prove(lab.attempt("aix01", sizes=(524288, 524288, 500000), file_counts=(1200,))[0])
    assert proof.good
    assert proof.outcome is Outcome.WARNING
    assert proof.failure is not None
    assert "256.0 KiB" in proof.failure.message
    assert "512.0 KiB" in proof.failure.message
    fewer = lab.prove(lab.attempt("aix02", sizes=(262144,), file_counts=(5000, 4900))[0])
    assert fewer.failure is not None
    assert "1200 files" in fewer.failure.message
    assert "4950" in fewer.failure.message


def test_a_slightly_smaller_image_is_read_and_then_ok(lab: Lab) -> None:
    proof = lab.prove(lab.attempt("aix01", sizes=(330000,))[0])
    assert proof.outcome is Outcome.OK
    assert "restore -T" in proof.verified_by


def test_an_implausible_size_is_not_trusted_where_nothing_can_read_it_in_full(lab: Lab) -> None:
    expected, _ = lab.attempt("aix01", sizes=(262144 * 50,))
    for tool in ("usr/sbin/restore", "usr/bin/listvgbackup"):
        (lab.estate.files("nim") / tool).unlink()
    assert _code(lab, expected) is FailureCode.IMAGE_TRUNCATED


def test_not_thorough_reads_no_more_than_the_header(lab: Lab) -> None:
    expected, _ = lab.attempt("aix01", thorough=False)
    lab.estate.clear_log()
    proof = lab.prove(expected)
    assert proof.good
    assert proof.cksum is None
    assert {one.argv[0].rpartition("/")[2] for one in lab.estate.log()} <= {"lsmksysb", "lsnim"}


def _code(lab: Lab, expected: Any) -> FailureCode | None:
    failure = lab.prove(expected).failure
    return failure.code if failure else None


@pytest.mark.parametrize("asked", ["file", "header", "resource"])
def test_what_the_master_does_not_say_is_no_verdict(lab: Lab, asked: str) -> None:
    """A verdict of "failed" has the image removed: an answer that did not come must not be one."""
    expected, _ = lab.attempt("aix01")
    lab.host = bent(lab.host, f" begin {asked}'", f" begun {asked}'")
    with pytest.raises(NimwrapError) as unknown:
        lab.prove(expected)
    assert unknown.value.code is FailureCode.MASTER_UNREACHABLE
