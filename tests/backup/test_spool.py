"""The master's spool, by a shell in a directory of the test: locks, slots, rooms, and whom `stop` may signal."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nimwrap.backup import operation_status, spool
from nimwrap.backup.wrapper import stop_text
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.domain.lock_timing import (
    BEAT_LIMIT_S,
    BEAT_S,
    LEAST_LIMIT_S,
    LOSSES,
    POOL,
    STALE_S,
    beat_limit,
    contradictions,
    most_at_once,
)
from nimwrap.locks import lock_scripts
from tests.waiting import until

RUN, OLD = "20261123T010203-aix01-4f2a", "20200101000000"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "slots").mkdir()
    return tmp_path


def sh(script: str, shell: str = "/bin/sh") -> str:
    return subprocess.run([shell, "-c", script], capture_output=True, text=True, check=False).stdout


def planned(root: Path, run: str = RUN) -> AttemptPlan:
    return AttemptPlan(
        run,
        1,
        "mksysb",
        "nim",
        "aix01",
        "aix01",
        "nim",
        "self",
        "nim",
        "aix01_20261123_010203",
        "/export/aix01/i.mksysb",
        "/export/aix01/i.mksysb",
        "ei",
        str(root),
        60,
        30,
        1,
    )


def lock(root: Path, run: str = RUN) -> lock_scripts.LockAnswer:
    return lock_scripts.parse_locks(sh(lock_scripts.locks_script(str(root), ["aix01"], run, "ctl pid 1")))[0]


def status(text: str) -> operation_status.OperationStatus:
    return operation_status.parse_statuses(text, [RUN]).operations[RUN]


def made_room(root: Path, **files: str) -> Path:
    room = root / RUN
    room.mkdir()
    for name, text in files.items():
        (room / name.replace("_", ".")).write_text(text)
    return room


def test_a_lock_whose_maker_died_before_it_wrote_anything_grows_old_and_is_taken_over(root: Path) -> None:
    held = root / "locks" / "aix01"
    held.mkdir(parents=True)
    first = lock(root)
    assert not first.got and not first.stale and first.age_s is not None
    (held / "heartbeat").write_text(OLD)
    judged = lock(root)
    assert judged.stale
    assert "aside" in sh(lock_scripts.take_over_script(str(root), "aix01", judged))
    assert lock(root).got


def test_locks_are_taken_in_order_up_to_the_first_that_another_holds(root: Path) -> None:
    names = ["aix01", "cluster.ha", "never-come-to"]

    def taken(run: str, names: list[str]) -> list[tuple[bool, str]]:
        said = sh(lock_scripts.locks_script(str(root), names, run, "ctl pid 1"))
        return [(answer.got, answer.run) for answer in lock_scripts.parse_locks(said)]

    assert taken("another", ["cluster.ha"]) == [(True, "another")]
    assert taken(RUN, names) == [(True, RUN), (False, "another")]
    assert not (root / "locks" / "never-come-to").exists()
    assert taken(RUN, ["aix01", "aix02"]) == [(False, RUN), (True, RUN)]


def test_nothing_is_started_without_the_lock(root: Path) -> None:
    assert lock(root, "another").got
    assert sh(spool.start_script(planned(root), "exit 0\n", None, "me")).splitlines()[-1] == "nw lost"
    assert not (root / RUN).exists()


NOISE = "*** Authorised use only ***\nrun 20990101T000000-other-ffff\nheld\noperation gone\n"
"""What a login's profile may print."""


def test_what_a_login_prints_around_an_answer_is_none_of_it(root: Path) -> None:
    said = sh(lock_scripts.locks_script(str(root), ["aix01"], RUN, "ctl pid 1"))
    assert lock_scripts.parse_locks(NOISE + said + NOISE) == lock_scripts.parse_locks(said)
    assert lock_scripts.parse_locks(said)[0].got
    made_room(root, image="/nowhere\n", out="line one\nnw end is nothing\nline two\n", rc="0\n", done="x\n")
    seen = sh(operation_status.poll_script([planned(root)], 0))
    assert status(NOISE + seen + NOISE) == status(seen)
    look = status(seen)
    assert (look.done, look.returncode, look.size) == (True, 0, None)
    assert look.output == "line one\nnw end is nothing\nline two\n"


@pytest.mark.parametrize("text", ["", NOISE])
def test_no_answer_is_never_taken_for_an_empty_one(root: Path, text: str) -> None:
    with pytest.raises(ValueError, match="not an answer"):
        lock_scripts.parse_locks(text)
    with pytest.raises(ValueError, match="not an answer"):
        status(text)


def test_half_an_answer_is_none(root: Path) -> None:
    """Without its last line a live holder would look gone, and its lock stale."""
    said = sh(lock_scripts.locks_script(str(root), ["aix01"], RUN, "ctl pid 1")).splitlines()
    made_room(root, image="/nowhere\n")
    seen = sh(operation_status.poll_script([planned(root)], 0)).splitlines()
    for whole, parse in ((said, lock_scripts.parse_locks), (seen, status)):
        for lines in range(len(whole)):
            with pytest.raises(ValueError, match="not an answer"):
                parse("\n".join(whole[:lines]))


@pytest.mark.parametrize(
    ("boot", "rebooted"), [("9000-00:00:01", True), ("00:00", False), ("unknown", False), ("", False)]
)
def test_a_reboot_is_told_by_how_long_the_machine_is_up(root: Path, boot: str, rebooted: bool) -> None:
    made_room(root, image="/nowhere\n", boot=f"{boot} 20261123010203\n")
    assert status(sh(operation_status.poll_script([planned(root)], 0))).rebooted == rebooted


def test_a_lock_says_which_operation_it_is_for_and_since_which_boot(root: Path) -> None:
    assert lock(root).got
    assert "nw started" in sh(spool.start_script(planned(root), "exit 0\n", None, "me"))
    for name in ("pid", "boot"):
        assert (root / "locks/aix01" / name).read_text() == (root / RUN / name).read_text()


def test_a_slot_that_a_dead_run_holds_is_freed_and_a_fresh_one_is_not(root: Path) -> None:
    assert lock(root).got
    slot = root / "slots" / "1"
    slot.mkdir()
    (slot / "run").write_text("gone\n")
    busy = sh(spool.start_script(planned(root), "exit 0\n", None, "me"))
    assert busy.splitlines()[-1] == "nw busy" and all(
        one.age_s is not None and one.age_s < 600 for one in spool.idle_slots(busy)
    )
    (slot / "heartbeat").write_text(OLD)
    busy = sh(spool.start_script(planned(root), "exit 0\n", None, "me"))
    (idle,) = [one for one in spool.idle_slots(busy) if one.age_s is not None and one.age_s > 600]
    assert (idle.place, idle.run, idle.heartbeat) == ("slots/1", "gone", OLD)
    assert sh(spool.free_stale_slot_script(str(root), "slots/1", "other", OLD)) == ""
    assert "freed" in sh(spool.free_stale_slot_script(str(root), "slots/1", "gone", OLD))
    assert not slot.exists()


def test_a_room_goes_only_when_its_undo_is_done(root: Path) -> None:
    assert lock(root).got
    room = made_room(root, undo=":\n")
    sh(lock_scripts.give_back_script(str(root), "aix01", RUN, str(room)))
    assert room.exists() and (root / "locks" / "aix01").exists()
    (room / "undo.rc").write_text("0\n")
    sh(lock_scripts.give_back_script(str(root), "aix01", RUN, str(room)))
    assert not room.exists() and not (root / "locks" / "aix01").exists()


def test_a_room_stays_under_a_live_wrapper(root: Path) -> None:
    room = made_room(root, wrapper="sleep 30\nexit 0\n")
    wrapper = subprocess.Popen(["/bin/sh", str(room / "wrapper")])
    try:
        (room / "pid").write_text(f"{wrapper.pid}\n")
        sh(lock_scripts.give_back_script(str(root), "aix01", RUN, str(room)))
        assert room.exists()
    finally:
        wrapper.kill()
        wrapper.wait()


def test_stop_signals_no_process_that_got_the_number_after_a_reboot(root: Path) -> None:
    innocent = subprocess.Popen(["sleep", "30"])
    try:
        made_room(root, command_pid=f"{innocent.pid}\n")
        assert sh(stop_text(planned(root), ":")).splitlines()[-1] == "stopped"
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_stop_ends_the_command_it_knows(root: Path) -> None:
    room = made_room(root, command="sleep 30\nexit 0\n")
    command = subprocess.Popen(["/bin/sh", str(room / "command")], start_new_session=True)
    (room / "command.pid").write_text(f"{command.pid}\n")
    # Its parent waits for it, as the wrapper does: until then it would be a process that ended and is still listed.
    with subprocess.Popen(["/bin/sh", "-c", stop_text(planned(root), ":")], stdout=subprocess.PIPE, text=True) as stop:
        assert command.wait(20) != 0
        assert stop.communicate()[0].splitlines()[-1] == "stopped"


def test_one_poll_tells_of_every_operation_and_of_all_images_that_are_being_made(root: Path) -> None:
    made_room(root, image=f"{root}/mine.img\n", out="35 files\n", wrapper=":\n")
    (root / "mine.img").write_text("x" * 1000)
    other = root / "20261123T010203-aix02-0000"
    other.mkdir()
    (other / "image").write_text(f"{root}/other.img\n")
    (root / "other.img").write_text("x" * 77)
    written = root / "20261123T010203-aix03-0000"
    written.mkdir()
    (written / "image").write_text("/nowhere.img\n")
    (written / "rc").write_text("0\n")
    for number, run in enumerate((RUN, other.name, written.name), 1):
        (root / "slots" / str(number)).mkdir()
        (root / "slots" / str(number) / "run").write_text(f"{run}\n")
    gone = "20261123T010203-aix09-0000"
    seen = sh(operation_status.poll_script([planned(root), planned(root, gone)], 5))
    found = operation_status.parse_statuses(seen, [RUN, gone])
    assert not found.operations[gone].room
    assert (found.operations[RUN].size, found.operations[RUN].written) == (1000, 9)
    assert found.operations[RUN].output == "35 files\n"
    assert found.making == {RUN: 1000, other.name: 77}


def test_with_a_cap_below_the_slots_taken_no_further_one_is_had(root: Path) -> None:
    assert lock(root).got
    for number in (3, 5):
        (root / "slots" / str(number)).mkdir()
    tight, room = replace(planned(root), slots=6), replace(planned(root), slots=6, max_parallel=3)
    assert sh(spool.start_script(replace(tight, max_parallel=2), "exit 0\n", None, "me")).splitlines()[-1] == "nw busy"
    assert sorted(path.name for path in (root / "slots").iterdir()) == ["3", "5"]
    assert "nw started" in sh(spool.start_script(room, "exit 0\n", None, "me"))


def test_a_holder_that_comes_back_keeps_its_lock(root: Path) -> None:
    """A8: it was silent for ten minutes, was judged to be gone, and made its lock fresh before it was taken over."""
    held = root / "locks" / "aix01"
    assert lock(root).got
    (held / "heartbeat").write_text(OLD)
    judged = lock(root, "20261123T020000-aix01-beef")
    assert judged.stale
    assert "started" in sh(spool.start_script(planned(root), "sleep 0\n", None, "ctl pid 1"))
    assert "aside" not in sh(lock_scripts.take_over_script(str(root), "aix01", judged))
    assert (held / "run").read_text().strip() == RUN
    assert [path.name for path in (root / "locks").iterdir()] == ["aix01"]


def test_a_holder_whose_lock_was_taken_over_starts_nothing(root: Path) -> None:
    assert lock(root).got
    (root / "locks/aix01/heartbeat").write_text(OLD)
    judged = lock(root, "20261123T020000-aix01-beef")
    assert "aside" in sh(lock_scripts.take_over_script(str(root), "aix01", judged))
    assert "lost" in sh(spool.start_script(planned(root), "sleep 0\n", None, "ctl pid 1"))
    assert lock(root, "20261123T020000-aix01-beef").got
    assert "lost" in sh(spool.start_script(planned(root), "sleep 0\n", None, "ctl pid 1"))
    assert not (root / RUN).exists()


def test_a_script_of_an_earlier_tenure_changes_nothing(root: Path) -> None:
    """The same run has the lock again, with another number: what was on its way since before is refused."""
    fence = lock(root).fence
    assert fence and lock_scripts.guard(str(root), "aix01", RUN, fence)
    held = root / "locks/aix01"
    assert sh(lock_scripts.guard(str(root), "aix01", RUN, fence) + "echo done") == "done\n"
    (held / "fence").write_text("20300101000000")
    assert sh(lock_scripts.guard(str(root), "aix01", RUN, fence) + "echo done") == f"nw lost {RUN}\n"


def test_the_times_that_locks_rest_on_fit_each_other() -> None:
    assert contradictions() == []
    assert contradictions(beat=300) != []
    assert contradictions(limit=200) != []
    assert contradictions(wrapper=400) != []
    assert contradictions(silence=BEAT_S) != []
    assert [contradictions(at_once=number) != [] for number in (most_at_once(), most_at_once() + 1)] == [False, True]
    assert beat_limit(1) == BEAT_LIMIT_S
    for number in range(1, most_at_once() + 1):  # all of them once, over as many connections as there are
        turns = -(-number // POOL)
        assert (LOSSES + 1) * (BEAT_S + turns * beat_limit(number)) <= STALE_S
        assert beat_limit(number) >= LEAST_LIMIT_S


def beside(root: Path, client: str, **changes: Any) -> str:
    """What the start of another client's operation says."""
    run = f"20261123T010203-{client}-0000"
    assert lock_scripts.parse_locks(sh(lock_scripts.locks_script(str(root), [client], run, "ctl pid 2")))[0].got
    plan = replace(planned(root, run), client=client, max_parallel=4, **changes)
    return sh(spool.start_script(plan, "sleep 60\n", None, "me")).splitlines()[-1]


def test_a_limit_is_counted_over_all_nimwraps_beside_the_slots(root: Path) -> None:
    """Whoever asks: what holds a place of the limit is a directory in the master's spool."""
    frame, disk = ("frame1", 1), ("disk", 2)
    assert beside(root, "aix01", limits=(disk, frame)).startswith("nw started")
    assert beside(root, "aix02", limits=(disk, frame)) == "nw busy frame1"
    assert sorted(path.name for path in (root / "slots").iterdir()) == ["1"], "who waits for a limit holds no slot"
    assert sorted(path.name for path in (root / "limits").iterdir()) == ["disk.1", "frame1.1"], "nor a place of another"
    assert beside(root, "aix03", limits=(disk,)).startswith("nw started")
    assert beside(root, "aix04", limits=(disk,)) == "nw busy disk"
    assert beside(root, "aix05").startswith("nw started")
    for run in [path for path in root.iterdir() if (path / "stop").exists()]:
        until(lambda run=run: (run / "command.pid").exists(), "its command runs")
        sh(f"for one in $(ps -o pid= --ppid $(cat {run}/command.pid)); do kill $one; done")
        until(lambda run=run: (run / "done").exists(), "its wrapper ends")
    assert [*(root / "limits").iterdir(), *(root / "slots").iterdir()] == [], "each wrapper gives all of them back"


def test_a_place_of_a_limit_that_a_dead_run_holds_is_freed(root: Path) -> None:
    place = root / "limits" / "frame1.1"
    place.mkdir(parents=True)
    (place / "run").write_text("gone\n")
    (place / "heartbeat").write_text(OLD)
    assert beside(root, "aix02", limits=(("frame1", 1),)) == "nw busy frame1"
    assert lock(root).got
    busy = sh(spool.start_script(replace(planned(root), limits=(("frame1", 1),)), "exit 0\n", None, "me"))
    (idle,) = spool.idle_slots(busy)
    assert (idle.place, idle.run) == ("limits/frame1.1", "gone")
    assert "freed" in sh(spool.free_stale_slot_script(str(root), idle.place, "gone", OLD))
    assert "nw started" in sh(spool.start_script(replace(planned(root), limits=(("frame1", 1),)), ":\n", None, "me"))


def test_giving_back_gives_back_places_of_limits_too(root: Path) -> None:
    assert lock(root).got
    for kind in ("slots/1", "limits/frame1.1", "limits/frame1.2"):
        (root / kind).mkdir(parents=True)
        (root / kind / "run").write_text(f"{'other' if kind.endswith('2') else RUN}\n")
    sh(lock_scripts.give_back_script(str(root), "aix01", RUN, None))
    assert [path.name for path in (root / "limits").iterdir()] == ["frame1.2"]
    assert list((root / "slots").iterdir()) == []
