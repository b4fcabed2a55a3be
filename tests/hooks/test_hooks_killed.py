"""nimwrap dies while it works with hooks: whoever comes next runs each of them once in all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backup.evidence import writing
from tests.hooks.hooked import Hooked, HookedEstate
from tests.running import Cli, begin
from tests.waiting import until


def test_a_run_that_recover_adopts_has_its_hooks_once(run_cli: Cli, hooked: HookedEstate, tmp_path: Path) -> None:
    hooks = hooked()
    hooks.estate.hold_images("powerha1")
    for on in ("master", "control"):
        for when in ("before", "after", "failed"):
            hooks.add(when, on, words="{run}")
    backup = begin(tmp_path, hooks.config, "backup", "powerha1")
    until(lambda: writing(hooks.estate), "the image is being written")
    backup.kill()
    backup.wait()
    hooks.estate.release_images()
    assert run_cli("recover", config=hooks.config).exit_code == 0
    (run,) = run_cli("history", "--json", config=hooks.config).data["runs"]
    assert run["outcome"] == "ok"
    assert hooks.calls == [f"{when}-{on} {run['id']}" for when in ("before", "after") for on in ("master", "control")]


def test_a_hook_that_outlives_nimwrap_is_followed_not_run_again(
    run_cli: Cli, hooked: HookedEstate, tmp_path: Path
) -> None:
    hooks = hooked()
    waits = "while [ ! -f {go} ]; do [ -d {root} ] || exit 1; sleep 0.1; done"
    for on in ("master", "control"):
        hooks.add("before", on, body=waits.format(go=tmp_path / f"go-{on}", root=tmp_path))
        hooks.add("failed", on)
    for on in ("master", "control"):
        backup = begin(tmp_path, hooks.config, "backup", "aix01")
        until(lambda on=on: any(call.startswith(f"before-{on}") for call in hooks.calls), "the hook has begun")
        backup.kill()
        backup.wait()
        (tmp_path / f"go-{on}").touch()
        assert run_cli("recover", config=hooks.config).exit_code == 0
        called = [call.split()[0] for call in hooks.calls]
        before = ["before-master"] if on == "master" else ["before-master", "before-control"]
        assert called == [*before, "failed-master", "failed-control"]
        (run,) = run_cli("history", "--json", "--limit", "1", config=hooks.config).data["runs"]
        assert (run["outcome"], run["failure"]["code"]) == ("failed", "killed")
        (tmp_path / "calls").unlink()


@pytest.mark.parametrize("share", [pytest.param(6, id="some"), pytest.param(1, id="each", marks=pytest.mark.slow)])
def test_killed_at_each_point_around_hooks_each_is_run_once(
    run_cli: Cli, hooked: HookedEstate, tmp_path: Path, share: int
) -> None:
    hooks = hooked()
    hooks.add("before", "control", words="{run}")
    hooks.add("after", "master", words="{run}")
    hooks.add("after", "control", words="{run}")
    hooks.add("failed", "control", words="{run}")
    trace = tmp_path / "trace"
    kill = {"NIMWRAP_FAILPOINT_TRACE": str(trace)}
    assert run_cli("backup", "aix01", config=hooks.config, env=kill).exit_code == 0
    points = [line.split(maxsplit=1) for line in trace.read_text().splitlines()]
    near = [int(number) for number, label in points if "event" in label or "hooks job" in label or "close_run" in label]
    assert len(near) > 10
    for number in near[::share]:
        (tmp_path / "calls").unlink()
        ended = run_cli("backup", "aix01", config=hooks.config, env={"NIMWRAP_FAILPOINT_KILL": str(number)})
        assert ended.exit_code in (-9, 137), number
        assert run_cli("recover", config=hooks.config).exit_code == 0
        _once_each(run_cli, hooks, number)


def _once_each(run_cli: Cli, hooks: Hooked, number: int) -> None:
    (run,) = run_cli("history", "--json", "--limit", "1", config=hooks.config).data["runs"]
    assert run["outcome"] in ("ok", "failed"), (number, run)
    mine = [call.split()[0] for call in hooks.calls if call.endswith(run["id"])]
    ends = ["after-master", "after-control"] if run["outcome"] == "ok" else ["failed-control"]
    assert mine in (["before-control", *ends], ends), (number, mine)
    assert not list((hooks.estate.files("nim") / "var/adm/nimwrap").glob("hooks/*")), number
    assert not list((hooks.estate.root / "nimwrap").glob("hooks/*")), number
