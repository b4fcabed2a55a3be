"""Crontabs of the kinds found in the field: right schedules and settings, every other line with its reason."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nimwrap.config.checker import Checker
from nimwrap.estate import Estate
from nimwrap.scheduling.cron_import.import_output import schedules_toml, settings_toml
from nimwrap.scheduling.cron_import.import_plan import Known, Plan, plan_import
from tests.running import Cli, ConfigWriter

FILES = sorted((Path(__file__).parent / "crontabs").glob("*.crontab"))


def planned(path: Path) -> tuple[Plan, dict[str, Any]]:
    expected = json.loads(path.with_suffix(".json").read_text())
    known = Known(clients=frozenset(expected.get("known", ())))
    return plan_import(path.read_text(), known=known), expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_schedules_and_settings_are_those_of_the_crontab(path: Path) -> None:
    plan, expected = planned(path)
    assert tomllib.loads(schedules_toml(plan, path.name)) == expected["schedules"]
    settings = tomllib.loads(settings_toml(plan))
    assert settings.get("backup", {}) == expected["backup"]
    assert settings.get("clients", {}) == expected["clients"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_line_is_accounted_for(path: Path) -> None:
    plan, expected = planned(path)
    reasons = {str(each.line.number): each.why for each in plan.not_understood}
    assert set(reasons) == set(expected["not_understood"])
    for line, why in expected["not_understood"].items():
        assert why in reasons[line], (line, reasons[line])
    assert [line.number for line in plan.unrelated] == expected["unrelated"]
    lines = len(plan.understood) + len(plan.not_understood) + len(plan.unrelated) + plan.passive
    assert lines == len(path.read_text().splitlines())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_not_carried_over_is_said(path: Path) -> None:
    plan, expected = planned(path)
    notes = {str(each.line.number): "\n".join(each.notes) for each in plan.understood}
    for line, texts in expected.get("notes", {}).items():
        for text in texts:
            assert text in notes[line]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_settings_are_a_valid_configuration(path: Path) -> None:
    plan, _ = planned(path)
    checker = Checker(tomllib.loads(settings_toml(plan)), path)
    checker.config()
    assert checker.faults == []


def test_a_clients_own_crontab_needs_the_clients_name() -> None:
    path = next(path for path in FILES if "client-itself" in path.name)
    plan = plan_import(path.read_text(), known=Known(said=("aix01",)))
    assert not plan.not_understood
    assert [schedule.targets for schedule in plan.schedules] == [["aix01"], ["aix01"]]
    assert plan.common["mksysb_flags"] == "ie"
    assert "directory" not in plan.common


def test_a_zone_that_is_given_holds_only_where_the_crontab_sets_none() -> None:
    lines = {path.stem[:2]: plan_import(path.read_text(), timezone="Asia/Kolkata") for path in FILES}
    assert {schedule.timezone for schedule in lines["01"].schedules} == {"Asia/Kolkata"}
    assert {schedule.timezone for schedule in lines["02"].schedules} == {"Australia/Melbourne"}
    assert {schedule.timezone for schedule in lines["09"].schedules} == {"Asia/Kolkata"}


def definition(client: str, flags: str) -> str:
    return (
        f"nim -o define -t mksysb -a server=master -a source={client} -a mk_image=yes -a mksysb_flags={flags}"
        f" -a location=/m/{client}_mksysb {client}_mksysb"
    )


def test_what_all_clients_get_and_what_one_gets_may_not_differ() -> None:
    every = definition("$c", "e").replace("$c_", "${c}_")
    loop = f"0 1 * * 0 for c in $(lsnim -t standalone | awk '{{print $1}}'); do {every}; done"
    one = f"0 2 * * 0 {definition('aix01', 'X')}"
    for lines in ([loop, one], [one, loop]):
        plan = plan_import("\n".join(lines) + "\n", timezone="UTC")
        assert [each.line.number for each in plan.understood] == [1]
        assert [each.line.number for each in plan.not_understood] == [2]
        assert "line 1 for" in plan.not_understood[0].why
    both = plan_import(f"{loop}\n{one.replace('=X', '=e')}\n", timezone="UTC")
    assert not both.not_understood
    assert not both.own


@pytest.mark.parametrize(
    ("setting", "zone", "said"),
    [
        ("CRON_TZ=Europe/Berlin", "Europe/Berlin", ""),
        ("TZ=Europe/Berlin", "Europe/Berlin", "some crons go by the machine's own"),
        ("TZ=Austrlia/Melbourne", "Asia/Kolkata", "no IANA name of a time zone: --timezone Asia/Kolkata is used"),
        ("", "Asia/Kolkata", ""),
    ],
)
def test_where_the_zone_is_from_is_said_where_it_may_be_wrong(setting: str, zone: str, said: str) -> None:
    plan = plan_import(f"{setting}\n0 2 * * 0 {definition('aix01', 'e')}\n", timezone="Asia/Kolkata")
    assert [schedule.timezone for schedule in plan.schedules] == [zone]
    notes = [note for note in plan.understood[0].notes if "resource" not in note]
    assert len(notes) == bool(said)
    assert said in "".join(notes)


WORDS = st.sampled_from(
    [
        "nim",
        "-o",
        "define",
        "-t",
        "mksysb",
        "-a",
        "server=master",
        "source=aix01",
        "mk_image=yes",
        "location=/m/aix01/x",
        "aix01_mksysb",
        "for",
        "c",
        "in",
        "do",
        "done",
        ";",
        "&&",
        "||",
        "|",
        "&",
        "(",
        ")",
        "'",
        '"',
        "`",
        "$(",
        "$c",
        "${c}",
        "\\",
        "%",
        "\\%",
        "#",
        "*",
        "mksysb",
        "ksh",
        "-c",
        "ssh",
        "nim",
        "savevg",
        "0",
        "1",
        "@daily",
        "TZ=UTC",
        "<",
        ">",
        "<<",
        "$((",
        "2>&1",
    ]
)
LINES = st.one_of(
    st.text(max_size=80),
    st.lists(WORDS, max_size=25).map(" ".join),
    st.lists(WORDS, max_size=25).map(lambda words: "0 1 * * 0 " + " ".join(words)),
)


@given(st.lists(LINES, max_size=6))
def test_whatever_stands_there_every_line_is_accounted_for_and_the_files_are_toml(lines: list[str]) -> None:
    text = "\n".join(line.replace("\n", " ").replace("\r", " ") for line in lines) + "\n"
    plan = plan_import(text)
    assert len(plan.understood) + len(plan.not_understood) + len(plan.unrelated) + plan.passive == max(1, len(lines))
    assert all(each.why for each in plan.not_understood)
    assert set(tomllib.loads(schedules_toml(plan, "crontab\n"))) == {schedule.name for schedule in plan.schedules}
    tomllib.loads(settings_toml(plan))


@pytest.mark.parametrize(
    "command",
    [
        "for a in " + "x " * 100 + "; do for b in " + "x " * 100 + "; do ; done; done; nim",
        "for a in x; do " * 300 + "nim" + "; done" * 300,
        "ssh h " * 2000 + "nim",
        "nim " + "(" * 5000,
        "nim $(" * 5000,
        "nim " + "a" * 100_000 + " " * 100_000 + "b",
    ],
)
def test_long_and_deep_commands_end_soon(command: str) -> None:
    plan = plan_import(f"0 1 * * 0 {command}\n")
    assert len(plan.not_understood) == 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_lines_that_delete_or_carry_away_images_are_pointed_out(path: Path) -> None:
    plan, expected = planned(path)
    if "hands" in expected:
        assert {str(hand.line.number): str(hand.deed) for hand in plan.hands} == expected["hands"]
    assert all(hand.place in hand.line.text for hand in plan.hands)


def test_an_argument_of_an_unread_script_is_a_client_where_somebody_says_so(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    crontab = tmp_path / "root.crontab"
    crontab.write_text(
        "0 1 * * 0 /usr/local/bin/mksysb_over_nfs.ksh aix01\n"
        "0 2 * * 0 /usr/local/bin/mksysb_over_nfs.ksh nimsrv01\n"
        "0 3 * * 0 find /export/nim/mksysb -mtime +9 -exec rm {} +\n"
    )
    config = estate_config()

    def understood(*more: str) -> list[int]:
        ran = run_cli("schedule", "import-cron", str(crontab), "--timezone", "UTC", *more, "--json", config=config)
        assert [one["line"] for one in ran.data["other_hands"]] == [3]
        assert "cron_deletes_images" in [warning["code"] for warning in ran.json["warnings"]]
        return [each["line"] for each in ran.data["understood"]]

    assert understood() == [], "nobody has been asked yet"
    assert run_cli("status", "--refresh", config=config).exit_code == 1
    assert understood() == [1], "an inventory knows it"
    assert understood("--client", "nimsrv01") == [1, 2]
