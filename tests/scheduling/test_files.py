"""Schedule files: what holds, and every fault of every file at once with its line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nimwrap.config.model import Config, MasterConfig
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.scheduling.model import Schedule
from nimwrap.scheduling.schedule_files import load_schedules

SAMPLE = """\
[weekly]
cron = "0 1 * * sun"
timezone = "Australia/Melbourne"
targets = ["group:cluster", "aix*"]
window = "6h"
jitter = "10m"
catch_up = "12h"

[monthly]   # only what must be there
cron = "@monthly"
targets = ["nim2/aix01"]
"""


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "schedules").mkdir()
    masters = {name: MasterConfig(name, transport="local") for name in ("nim", "nim2")}
    return Config(schedules=tmp_path / "schedules", masters=masters, groups={"cluster": ("powerha1", "powerha2")})


def write(config: Config, text: str, name: str = "nights.toml") -> Path:
    path = config.schedules / name
    path.write_text(text)
    return path


def faults(config: Config) -> list[str]:
    with pytest.raises(NimwrapError) as caught:
        load_schedules(config)
    assert (caught.value.code, caught.value.exit_code) == ("config_invalid", ExitCode.CONFIG)
    return [f"{problem.message} -- {problem.hint}" for problem in caught.value.problems]


def test_a_schedule_holds_what_its_table_says(config: Config) -> None:
    path = write(config, SAMPLE)
    assert load_schedules(config) == {
        "weekly": Schedule(
            "weekly", "0 1 * * sun", "Australia/Melbourne", ("group:cluster", "aix*"), 21600, 600, 43200, path
        ),
        "monthly": Schedule("monthly", "@monthly", "UTC", ("nim2/aix01",), None, 0, 900, path),
    }


def test_no_directory_and_no_file_are_no_schedules(config: Config) -> None:
    assert load_schedules(config) == {}
    config.schedules.rmdir()
    assert load_schedules(config) == {}


def test_only_toml_files_of_the_directory_itself_count(config: Config) -> None:
    write(config, SAMPLE)
    write(config, "not TOML", "weekly.toml.old")
    (config.schedules / "old").mkdir()
    (config.schedules / "old" / "more.toml").write_text("not TOML")
    assert set(load_schedules(config)) == {"weekly", "monthly"}


def test_a_link_that_leads_nowhere_is_a_fault_and_a_hidden_file_is_none(config: Config) -> None:
    write(config, "not TOML", ".weekly.toml")
    assert load_schedules(config) == {}
    (config.schedules / "weekly.toml").symlink_to("nowhere")
    (config.schedules / "round.toml").symlink_to("round.toml")
    told = faults(config)
    assert ["round.toml: Too many" in told[0], "weekly.toml: No such file" in told[1]] == [True, True]


@pytest.mark.parametrize("step", ["lstat", "iterdir", "is_file"])
def test_a_directory_that_this_user_may_not_read_is_a_fault_and_not_no_schedules(
    config: Config, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    write(config, SAMPLE)

    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, step, denied)  # root, who runs the tests of CI, may read everything
    assert f"{config.schedules}: Permission denied" in faults(config)[0]


def test_what_is_no_directory_is_a_fault_and_not_no_schedules(config: Config) -> None:
    write(config, SAMPLE)
    plain = replace(config, schedules=config.schedules / "nights.toml")
    assert "nights.toml: Not a directory" in faults(plain)[0]


def test_a_byte_order_mark_in_front_does_no_harm(config: Config) -> None:
    write(config, "\ufeff" + SAMPLE)
    assert set(load_schedules(config)) == {"weekly", "monthly"}


def test_every_fault_of_every_file_is_told_with_its_line(config: Config) -> None:
    write(
        config,
        '[bad]\ncorn = "0 1 * * *"\ntimezone = "Europe/Berln"\ntargets = ["group:clster", 7, "a b",\n  "nim3/aix01"]\n'
        'window = "6 hours"\njitter = 10\n\n[worse]\ncron = "0 25 * * *"\ntargets = []\n',
    )
    write(config, 'cron = "0 1 * * *"\n', "flat.toml")
    write(config, "[open\n", "torn.toml")
    found = faults(config)
    for line, says in [
        ("flat.toml:1", "must be a table"),
        ("nights.toml:1", "[bad] has no cron"),
        ("nights.toml:2", 'did you mean "cron"?'),
        ("nights.toml:3", "did you mean Europe/Berlin?"),
        ("nights.toml:4", 'did you mean "cluster"?'),
        ("nights.toml:4", "the number 7"),
        ("nights.toml:4", "neither a client"),
        ("nights.toml:5", "unknown master"),
        ("nights.toml:6", "is not a duration"),
        ("nights.toml:7", "must be a duration in quotes"),
        ("nights.toml:10", "bad hour"),
        ("nights.toml:11", "at least one"),
        ("torn.toml:1", "not valid TOML"),
    ]:
        assert any(line + ":" in fault and says in fault for fault in found), (line, says, found)
    assert len(found) == 13


def test_one_name_may_stand_once_in_all_files(config: Config) -> None:
    first = write(config, SAMPLE, "a.toml")
    write(config, "\n" + SAMPLE, "b.toml")
    found = faults(config)
    assert len(found) == 2
    assert f"b.toml:2: weekly stands in {first} already" in found[0]


def test_a_file_that_cannot_be_read_does_not_hide_the_faults_of_others(config: Config) -> None:
    (config.schedules / "a.toml").write_bytes(b"\xff")
    write(config, "[x]\n", "b.toml")
    found = faults(config)
    assert "not UTF-8" in found[0]
    assert any("b.toml:1: [x] has no cron" in fault for fault in found)


def test_the_samples_are_schedules() -> None:
    samples = Path(__file__).parents[2] / "schedules"
    config = Config(schedules=samples, groups={"cluster": ("powerha1", "powerha2")})
    assert set(load_schedules(config)) == {"nightly", "weekly", "monthly"}
