"""After a crontab was read, what only a person can do stands at the end, in the order in which it is done."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nimwrap.scheduling.cron_import.checklist import checklist
from nimwrap.scheduling.cron_import.import_plan import Known, plan_import
from tests.running import Cli

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
IMAGE = "/usr/sbin/nim -o define -t mksysb -a server=master -a source=aix01 -a mk_image=yes -a mksysb_flags=ei"
LINES = (
    f"0 1 * * 0 {IMAGE} -a location=/export/mksysb/aix01 aix01_mksysb",
    "0 2 * * 0 /usr/local/bin/mksysb_all.ksh",
    "0 3 * * 0 find /export/mksysb -mtime +9 -exec rm {} +",
)


@pytest.fixture
def crontab(tmp_path: Path) -> Path:
    path = tmp_path / "root.crontab"
    path.write_text("\n".join(LINES) + "\n")
    return path


def test_everything_that_is_left_is_a_line_of_the_list(run_cli: Cli, crontab: Path) -> None:
    listed = run_cli("schedule", "import-cron", crontab, "--json").data["checklist"]
    assert {one["code"]: one["lines"] for one in listed} == {
        "timezone": [],
        "configuration": [],
        "by_hand": [2],
        "other_hands": [3],
        "names": [],
        "comment_out": [1],
        "first_night": [],
    }
    details = {one["code"]: one["details"] for one in listed}
    assert details["names"] == ["aix01"]
    assert details["comment_out"] == [f"# {LINES[0]}"]
    assert LINES[2] in details["other_hands"][0]
    text = run_cli("schedule", "import-cron", crontab).stdout
    end = text[text.index("--- what is left for you to do") :].splitlines()
    numbered = [line for line in end if "[ ]" in line]
    assert [line.split()[0] for line in numbered] == [f"{number}." for number in range(1, 8)]
    assert numbered[2].endswith("(line 2)")
    assert f"       # {LINES[0]}" in end


def test_the_first_night_is_named_and_known_names_need_no_look(crontab: Path) -> None:
    known = Known(clients=frozenset({"aix01"}))
    plan = plan_import(crontab.read_text(), timezone="Europe/Berlin", known=known)
    listed = {one.code: one for one in checklist(plan, known, NOW)}
    assert set(listed) == {"configuration", "by_hand", "other_hands", "comment_out", "first_night"}
    (night,) = listed["first_night"].details
    assert night.startswith(datetime(2026, 11, 29, tzinfo=UTC).astimezone().strftime("%Y-%m-%d %H:%M "))
    assert night.endswith(": sun-0100")


def test_a_crontab_without_images_leaves_nothing_to_do(run_cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "other.crontab"
    path.write_text("0 4 * * * /usr/bin/errclear 30\n")
    ran = run_cli("schedule", "import-cron", path)
    assert "what is left" not in ran.stdout
    assert run_cli("schedule", "import-cron", path, "--json").data["checklist"] == []
