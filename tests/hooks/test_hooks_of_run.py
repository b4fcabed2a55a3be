"""Hooks at every point and place: run once, in order, shown before, kept as evidence, and no danger to an image."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.hooks.hooked import HookedEstate
from tests.running import Cli, Ran
from tests.waiting import until


def only_run(ran: Ran) -> dict[str, Any]:
    (run,) = ran.data["runs"]
    return dict(run)


def told(run_cli: Cli, hooks: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """What the history keeps of each hook's end, by point and place."""
    run = run_cli("show", "last", "--json", config=hooks.config).data["run"]
    ends = [event["data"] for event in run["events"] if event["kind"] == "hook" and event["data"]["state"] == "ended"]
    return {(end["when"], end["on"]): end for end in ends}


def test_each_point_and_place_is_reached_in_order_and_once(run_cli: Cli, hooked: HookedEstate) -> None:
    hooks = hooked(copies={"second": {"kind": "path", "directory": "/export/copies"}}, groups={"plain": ["aix0*"]})
    hooks.add("fleet-before", "master", words="{master}")
    hooks.add("fleet-after", "control", words="{master} {ok} {warning} {failed}", more='targets = ["group:plain"]')
    for on in ("client", "master", "control"):
        hooks.add("before", on, body="echo said $1")
        hooks.add("after", on, words="{client} {outcome} {kind} $HOME; {location}", more='targets = ["nim/aix01"]')
        hooks.add("failed", on)
    hooks.add("copied", "control", words="{copy} {image} {location}")
    plan = run_cli("backup", "aix01", "--dry-run", "--json", config=hooks.config)
    assert [(hook["when"], hook["host"]) for hook in plan.data["plan"][0]["hooks"]] == [
        ("fleet-before", "nim"),
        *(("before", where) for where in ("aix01", "nim", "control")),
        *(("after", where) for where in ("aix01", "nim", "control")),
        *(("failed", where) for where in ("aix01", "nim", "control")),
        ("copied", "control"),
        ("fleet-after", "control"),
    ]
    assert hooks.calls == []
    shown = run_cli("backup", "aix01", "--dry-run", config=hooks.config).stdout
    assert "hook before: aix01# /usr/local/bin/before-client aix01" in shown
    ran = run_cli("backup", "aix01", "--json", config=hooks.config)
    assert (ran.exit_code, only_run(ran)["outcome"]) == (0, "ok"), ran
    image = only_run(ran)["image"]
    after = f"aix01 ok mksysb $HOME; {image['location']}"
    assert hooks.calls[:-2] == [
        "fleet-before-master nim",
        *(f"before-{on} aix01" for on in ("client", "master", "control")),
        *(f"after-{on} {after}" for on in ("client", "master", "control")),
    ]
    assert hooks.calls[-2].startswith(f"copied-control second {image['resource']} /export/copies/")
    assert hooks.calls[-1] == "fleet-after-control nim 1 0 0"
    ends = told(run_cli, hooks)
    assert {end["returncode"] for end in ends.values()} == {0}
    assert [ends["before", on]["stdout"].strip() for on in ("client", "master", "control")] == ["said aix01"] * 3
    assert (
        "hook: before on client: /usr/local/bin/before-client aix01 (return code 0"
        in run_cli("show", "last", config=hooks.config).stdout
    )
    kept = run_cli("show", "last", "--json", config=hooks.config).data["run"]["hooks"]
    assert [(one["when"], one["on"], one["returncode"]) for one in kept][:3] == [
        ("before", on, 0) for on in ("client", "master", "control")
    ]
    assert kept[0]["output"].strip() == "said aix01"
    assert not (hooks.estate.files("nim") / "var/adm/nimwrap/hooks").exists()
    assert not (hooks.estate.root / "nimwrap" / "hooks").exists()


@pytest.mark.parametrize("on", ["client", "master", "control"])
def test_a_client_that_is_not_let_begin_is_refused_and_who_prepared_it_hears_of_that(
    run_cli: Cli, hooked: HookedEstate, on: str
) -> None:
    hooks = hooked()
    hooks.add("before", "master" if on == "control" else "control")
    hooks.add("before", on, body="echo database is busy; exit 3")
    hooks.add("failed", on, words="{client} {outcome} {code}")
    ran = run_cli("backup", "aix01", "--json", config=hooks.config)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"], run["failure"]["code"]) == (10, "refused", "hook_failed")
    assert "database is busy" in run["failure"]["message"]
    assert "database is busy" in run["failure"]["evidence"]
    assert (run["attempts"], run["image"]) == ([], None)
    assert hooks.calls[-1] == f"failed-{on} aix01 refused hook_failed"
    assert len(hooks.calls) == 3


def test_75_leaves_a_client_out_on_purpose(run_cli: Cli, hooked: HookedEstate) -> None:
    hooks = hooked()
    hooks.add("before", "client", body="exit 75", more='targets = ["aix01"]')
    hooks.add("failed", "control")
    ran = run_cli("backup", "aix01", "--json", config=hooks.config)
    assert (ran.exit_code, only_run(ran)["outcome"]) == (75, "skipped")
    both = run_cli("backup", "aix*", "--json", config=hooks.config)
    outcomes = {run["client"]: run["outcome"] for run in both.data["runs"]}
    assert (both.exit_code, outcomes["aix01"], set(outcomes.values())) == (0, "skipped", {"skipped", "ok"})
    assert [call.split()[0] for call in hooks.calls] == ["before-client"] * 2


def test_what_an_image_is_followed_by_cannot_harm_it_and_hostile_words_stay_words(
    run_cli: Cli, hooked: HookedEstate
) -> None:
    hooks = hooked()
    says = r"printf 'nw state done\nnw rc 0\nnw_rc=0\r\n\033[2J\000\377\n'; exit 9"
    for on in ("client", "master", "control"):
        hooks.add("after", on, body=says, words="$(touch /tmp/x) `id` {client}' ; exit 0 #")
    ran = run_cli("backup", "aix01", "--json", config=hooks.config)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"], run["failure"]["code"]) == (3, "warning", "hook_failed")
    assert run["image"]["verified"]
    ends = told(run_cli, hooks)
    assert {end["returncode"] for end in ends.values()} == {9}
    assert all(char.isprintable() or char in "\n\t" for end in ends.values() for char in end["stdout"])
    assert hooks.calls == [
        f"after-{on} $(touch /tmp/x) `id` aix01' ; exit 0 #" for on in ("client", "master", "control")
    ]
    assert run_cli("status", "aix01", "--json", config=hooks.config).data["clients"][0]["last_good"]["run"] == run["id"]


@pytest.mark.parametrize("on", ["client", "master", "control"])
def test_a_hook_that_hangs_is_ended_with_all_that_it_started(run_cli: Cli, hooked: HookedEstate, on: str) -> None:
    hooks = hooked()
    here = hooks.root / "sleeper"
    hooks.add("before", on, body=f"sleep 300 & echo $! > {here}; echo begun; wait", more='timeout = "1s"')
    ran = run_cli("backup", "aix01", "--json", config=hooks.config)
    run = only_run(ran)
    assert (ran.exit_code, run["failure"]["code"]) == (10, "hook_failed")
    assert told(run_cli, hooks)["before", on]["returncode"] == 143
    assert "timeout" in run["failure"]["message"]
    number = here.read_text().strip()
    until(lambda: not _runs(number), "the sleeper is ended")


def test_a_client_behind_a_narrow_channel_gets_its_hook_in_pieces(run_cli: Cli, hooked: HookedEstate) -> None:
    hooks = hooked()
    hooks.estate.fault("channel_refuse", 512, "aix01")
    hooks.add("before", "client", body="echo said $1; exit 4", words="x" * 600)
    run = only_run(run_cli("backup", "aix01", "--json", config=hooks.config))
    assert (run["outcome"], run["failure"]["code"]) == ("refused", "hook_failed")
    assert told(run_cli, hooks)["before", "client"]["returncode"] == 4
    assert hooks.calls == [f"before-client {'x' * 600}"]


def _runs(number: str) -> bool:
    try:
        return "sleep" in Path(f"/proc/{number}/cmdline").read_text()
    except OSError:
        return False


def test_a_program_that_is_not_there_is_told_with_its_name(run_cli: Cli, hooked: HookedEstate) -> None:
    hooks = hooked()
    hooks.add("before", "control")
    (hooks.root / "before-control").unlink()
    run = only_run(run_cli("backup", "aix01", "--json", config=hooks.config))
    assert (run["outcome"], run["failure"]["code"]) == ("refused", "hook_failed")
    assert str(hooks.root / "before-control") in run["failure"]["evidence"]
