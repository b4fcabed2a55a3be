"""What an image holds, and what changed between two, as a user sees it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from nimwrap.aix.image_filesets import parse as parse_filesets
from nimwrap.history.model import ImageRow
from tests.images.imagelab import Lab
from tests.running import Cli


@pytest.fixture
def nimwrap(lab: Lab, run_cli: Cli) -> Cli:
    return lambda *words, **more: run_cli("images", *words, "--json", config=lab.file, **more)


def made(lab: Lab, age: float) -> ImageRow:
    return lab.make("aix01", age, created=datetime.now(UTC) - timedelta(days=age))


def reads(lab: Lab) -> int:
    """How often an image was read to its end since the log was cleared."""
    return sum(one.argv[0] == "restore" for one in lab.estate.log())


def test_the_names_are_read_once_and_kept(lab: Lab, nimwrap: Cli) -> None:
    row = made(lab, 1)
    lab.estate.clear_log()
    ran = nimwrap("files", str(row.resource))
    assert (ran.exit_code, len(ran.data["files"]), reads(lab)) == (0, 1200, 1)
    assert ran.data["files"][3] == {"path": "./etc/hosts"}
    paths = {"*/objrepos/file00001*": 10, "/etc": 1, "./bosinst.data": 1, "/etc/hosts": 1, "/nowhere": 0}
    for glob, count in paths.items():
        assert len(nimwrap("files", str(row.id), glob).data["files"]) == count, glob
    assert reads(lab) == 1

    (kept,) = (lab.config.state_dir / "lists").iterdir()
    kept.write_bytes(kept.read_bytes()[:300])
    assert len(nimwrap("files", str(row.id)).data["files"]) == 1200, "half a list is no list"
    kept.write_bytes(gzip.compress(b"of another image\n./one"))
    assert len(nimwrap("files", str(row.id)).data["files"]) == 1200
    assert reads(lab) == 3


def test_a_damaged_image_has_no_list(lab: Lab, nimwrap: Cli) -> None:
    row = made(lab, 1)
    lab.disk(row.location).write_bytes(lab.disk(row.location).read_bytes()[:200_000])
    ran = nimwrap("files", str(row.resource))
    assert (ran.exit_code, ran.codes) == (1, ["image_unreadable"])
    assert not (lab.config.state_dir / "lists").exists()


def test_single_files_come_out_and_nothing_is_written_over(lab: Lab, nimwrap: Cli) -> None:
    row = made(lab, 1)
    ran = nimwrap("extract", str(row.id), "/etc/hosts", "*/file00001*", "--to", "/tmp/out")
    assert (ran.exit_code, len(ran.data["files"])) == (0, 11), ran
    (hosts,) = [file for file in ran.data["files"] if file["path"] == "./etc/hosts"]
    assert (hosts["location"], hosts["mode"][:1]) == ("/tmp/out/etc/hosts", "-")
    there = lab.disk("/tmp/out/etc/hosts")
    assert (there.stat().st_size, "aix01" in there.read_text()) == (hosts["size_bytes"], True)

    there.write_text("changed by hand")
    again = nimwrap("extract", str(row.id), "/etc/hosts", "/bosinst.data", "--to", "/tmp/out")
    assert (again.exit_code, again.codes) == (2, ["usage"])
    assert (there.read_text(), lab.disk("/tmp/out/bosinst.data").exists()) == ("changed by hand", False)
    assert nimwrap("extract", str(row.id), "/etc/hosts", "--to", "/tmp/out", "--force").exit_code == 0
    assert "aix01" in there.read_text()


def test_what_cannot_be_extracted_is_said(lab: Lab, nimwrap: Cli) -> None:
    row = made(lab, 1)
    wrong = [("/nowhere", "/tmp/out"), ("/etc/hosts", "out"), ("/etc/hosts", "/tmp/../etc"), ("*", "/tmp/out")]
    for path, to in wrong:
        assert nimwrap("extract", str(row.id), path, "--to", to).exit_code == 2, (path, to)
    lab.disk(row.location).unlink()
    ran = nimwrap("extract", str(row.id), "/etc/hosts", "--to", "/tmp/out")
    assert (ran.exit_code, ran.codes) == (1, ["image_unreadable"])


def test_what_changed_between_two_images(lab: Lab, nimwrap: Cli) -> None:
    before = made(lab, 2)
    facts = lab.estate.files("aix01") / ".host"
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"oslevel": "7200-06-01-2330"}))
    lab.estate.setting(files=1230, image_size=300_000)
    after = made(lab, 1)
    ran = nimwrap("diff", str(before.id), str(after.resource))
    assert ran.exit_code == 0, ran
    assert (len(ran.data["added"]), ran.data["removed"]) == (30, [])
    assert ran.data["grown_bytes"] == 300_000 - 262_144
    assert ran.data["busiest"] == [{"directory": "./usr/lib/objrepos", "added": 30, "removed": 0}]
    assert ran.data["filesets"] == {
        "added": [],
        "removed": [],
        "changed": [
            {"fileset": "bos.net.tcp.client_core", "before": "7.2.5.0", "after": "7.2.6.0"},
            {"fileset": "bos.rte", "before": "7.2.5.0", "after": "7.2.6.0"},
        ],
    }
    back = nimwrap("diff", str(after.id), str(before.id))
    assert (back.data["added"], len(back.data["removed"])) == ([], 30)


def test_an_image_that_does_not_tell_its_filesets_is_named(lab: Lab, nimwrap: Cli) -> None:
    rows = [made(lab, age) for age in (2, 1)]
    tool = lab.disk("/usr/bin/lsmksysb")
    tool.unlink()
    ran = nimwrap("diff", *(str(row.id) for row in rows))
    assert ran.exit_code == 0
    assert [warning["code"] for warning in ran.json["warnings"]] == ["image", "image"]
    assert ran.data["filesets"] == {"added": [], "removed": [], "changed": []}


def test_what_has_no_list_of_files_is_refused(lab_with: Callable[..., Lab], run_cli: Cli) -> None:
    lab = lab_with()
    row = made(lab, 1)
    lab.store.update_image(row.id, kind="nim_db")
    assert run_cli("images", "files", str(row.id), config=lab.file).exit_code == 2
    assert run_cli("images", "files", "nosuch", config=lab.file).exit_code == 2


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (
            "  bos.rte                    7.2.5.100    C     F    Base Runtime",
            {"bos.rte": "7.2.5.100"},
        ),
        ("bos.rte:bos.rte:7.2.5.0: : :C:F:Base:", {}),
        ("  Fileset                      Level  State  Type  Description (Uninstaller)", {}),
    ],
)
def test_lines_of_filesets(line: str, found: dict[str, str]) -> None:
    assert parse_filesets(line) == found
