"""``naming = "fixed"``: the new image takes the name, the old one becomes dated, whatever dies in between."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from nimwrap.domain.errors import NimwrapError
from nimwrap.estate.image import DamagedError, Header, check_whole
from nimwrap.history.model import ImageRow
from nimwrap.hosts.protocol import CommandResult, Host
from nimwrap.images.fixed_name import RenameResult, resume, take_fixed_name
from nimwrap.master_context import MasterContext
from tests.cutting import CutHost, bent, lost_once
from tests.images.imagelab import NOW, Lab

PLACE = "/export/nim/mksysb/aix01/aix01_mksysb.mksysb"
ASIDE = "/export/nim/mksysb/aix01/aix01_20261116_010000.mksysb"
FIXED = "aix01_mksysb"
RUN = "20261123T010000-aix01-4f2a"


class Crash(Exception):  # noqa: N818  a state, not an error
    """nimwrap was killed."""


class Watched:
    """The master with an eye on it: after every command a whole, defined image exists; dies at command ``die``."""

    def __init__(self, lab: Lab, die: int = 0, *, after: bool = False) -> None:
        self.lab, self.die, self.after, self.count = lab, die, after, 0

    @property
    def name(self) -> str:
        return self.lab.host.name

    def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
        self.count += 1
        if self.count == self.die and not self.after:
            raise Crash
        result = self.lab.host.run(script, timeout=timeout)
        assert defined_and_whole(self.lab), f"no good image after: {script}"
        if self.count == self.die:
            raise Crash
        return result

    def close(self) -> None:
        return


def whole(lab: Lab, location: str) -> Header | None:
    try:
        with lab.disk(location).open("rb") as file:
            return check_whole(file)
    except (DamagedError, FileNotFoundError):
        return None


def defined_and_whole(lab: Lab) -> dict[str, Header]:
    """Every resource over a whole image."""
    found = {name: whole(lab, location) for name, location in lab.resources().items()}
    return {name: header for name, header in found.items() if header is not None}


def marked(lab: Lab, location: str) -> int:
    """Which image lies there: the lab's differ in their number of files."""
    header = whole(lab, location)
    assert header is not None
    return header.files


@pytest.fixture
def fixed(lab_with: Callable[..., Lab]) -> Lab:
    return lab_with(backup={"naming": "fixed"})


def first(lab: Lab) -> tuple[ImageRow, int]:
    """The site's image under the fixed name, a week old; and its mark."""
    row = lab.make(days=7)
    done = take_fixed_name(lab.context, row, "20261116T010000-aix01-0001", NOW - timedelta(days=7))
    assert done == RenameResult(True, FIXED, PLACE)
    return lab.row(row.id), marked(lab, PLACE)


def spoiled(lab: Lab, row: ImageRow, host: Host) -> MasterContext:
    return replace(lab.context, host=host)


def assert_replaced(lab: Lab, old: ImageRow, new: ImageRow, marks: tuple[int, int]) -> None:
    """The fixed name means the new image, the old one is a dated generation, and nothing else is left."""
    assert lab.resources() == {FIXED: PLACE, "aix01_20261116_010000": ASIDE}
    assert (marked(lab, ASIDE), marked(lab, PLACE)) == marks
    assert sorted(path.name for path in lab.disk(PLACE).parent.iterdir()) == [
        "aix01_20261116_010000.mksysb",
        "aix01_mksysb.mksysb",
    ]
    assert (lab.row(new.id).location, lab.row(new.id).resource) == (PLACE, FIXED)
    assert (lab.row(old.id).location, lab.row(old.id).resource) == (ASIDE, "aix01_20261116_010000")
    assert lab.disk(PLACE).stat().st_nlink == 1
    assert not lab.disk(f"/var/adm/nimwrap/{RUN}/replace").exists()


def make_second(lab: Lab) -> tuple[ImageRow, int]:
    lab.estate.state.write("settings", lab.estate.state.read("settings") | {"files": 1300})
    row = lab.make(run=None)
    return row, marked(lab, row.location)


def test_the_first_image_takes_the_name(fixed: Lab) -> None:
    row, _ = first(fixed)
    assert (row.resource, row.location) == (FIXED, PLACE)
    assert fixed.resources() == {FIXED: PLACE}


def test_the_next_one_replaces_it_and_the_old_one_becomes_dated(fixed: Lab) -> None:
    old, before = first(fixed)
    new, after = make_second(fixed)
    assert before != after
    host = Watched(fixed)
    assert take_fixed_name(spoiled(fixed, new, host), new, RUN, NOW) == RenameResult(True, FIXED, PLACE)
    assert_replaced(fixed, old, new, (before, after))
    assert resume(fixed.context, RUN, NOW) is None


COMMANDS = 14
"""At least as many as one replacement takes; the test says so when it grows."""


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("die", range(1, COMMANDS + 1))
def test_killed_at_every_command(fixed: Lab, die: int, after: bool) -> None:
    old, before = first(fixed)
    new, mark = make_second(fixed)
    host = Watched(fixed, die, after=after)
    try:
        take_fixed_name(spoiled(fixed, new, host), new, RUN, NOW)
    except Crash:
        pass
    else:
        assert host.count < die, "COMMANDS is too small"
    watching = Watched(fixed)
    done = resume(spoiled(fixed, new, watching), RUN, NOW)
    if done is None:
        done = take_fixed_name(spoiled(fixed, new, watching), fixed.row(new.id), RUN, NOW)
    assert done.moved
    assert_replaced(fixed, old, new, (before, mark))


def test_all_commands_were_enumerated(fixed: Lab) -> None:
    first(fixed)
    new, _ = make_second(fixed)
    host = Watched(fixed)
    take_fixed_name(spoiled(fixed, new, host), new, RUN, NOW)
    assert host.count <= COMMANDS


@pytest.mark.parametrize("twice", range(1, 8))
def test_killed_twice(fixed: Lab, twice: int) -> None:
    old, before = first(fixed)
    new, mark = make_second(fixed)
    with pytest.raises(Crash):
        take_fixed_name(spoiled(fixed, new, Watched(fixed, 6, after=True)), new, RUN, NOW)
    with pytest.raises(Crash):
        resume(spoiled(fixed, new, Watched(fixed, twice)), RUN, NOW)
    done = resume(spoiled(fixed, new, Watched(fixed)), RUN, NOW)
    assert done is not None
    assert done.moved
    assert_replaced(fixed, old, new, (before, mark))


@pytest.mark.parametrize("die", [0, 8, 9, 10, 11, 12])
@pytest.mark.parametrize("word", ["/aix01_mksysb.mksysb", "/aix01_20261116_010000.mksysb", "remove?" + FIXED])
def test_a_refused_name_goes_back_to_the_old_image(fixed: Lab, word: str, die: int) -> None:
    """NIM would not define the new one: the old one has the name again, the new one keeps its dated name."""
    old, before = first(fixed)
    new, mark = make_second(fixed)
    fixed.nim_refuses(f"*{word}*")
    host = Watched(fixed, die)
    try:
        done = take_fixed_name(spoiled(fixed, new, host), new, RUN, NOW)
    except Crash:
        done = resume(fixed.context, RUN, NOW)  # type: ignore[assignment]
    assert done is not None
    assert not done.moved
    fixed.nim_refuses("")
    while (again := resume(fixed.context, RUN, NOW)) is not None:
        done = again
    assert not done.moved
    assert set(fixed.resources()) == {FIXED, new.resource}
    assert (marked(fixed, PLACE), marked(fixed, new.location)) == (before, mark)
    assert fixed.disk(PLACE).stat().st_nlink == 1
    assert fixed.row(new.id).location == new.location
    assert fixed.row(old.id).location == PLACE


class Lost(Watched):
    """The connection breaks at command ``die``: whether it was carried out is not known."""

    def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
        try:
            return super().run(script, timeout=timeout)
        except Crash:
            return CommandResult(None, "", "connection lost", 0.0)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("die", [5, 7, 10])  # the journal is the fourth
def test_a_lost_connection_leaves_the_journal_for_recover(fixed: Lab, die: int, after: bool) -> None:
    old, before = first(fixed)
    new, mark = make_second(fixed)
    with pytest.raises(NimwrapError) as lost:
        take_fixed_name(spoiled(fixed, new, Lost(fixed, die, after=after)), new, RUN, NOW)
    assert lost.value.code == "master_unreachable"
    done = resume(fixed.context, RUN, NOW)
    assert done is not None
    assert done.moved
    assert_replaced(fixed, old, new, (before, mark))


def test_an_allocated_name_is_left_alone(fixed: Lab) -> None:
    _, before = first(fixed)
    new, _ = make_second(fixed)
    fixed.run("/usr/sbin/nim", "-o", "allocate", "-a", f"mksysb={FIXED}", "aix02")
    done = take_fixed_name(fixed.context, new, RUN, NOW)
    assert not done.moved
    assert "allocated" in done.reason
    assert (done.resource, done.location) == (new.resource, new.location)
    assert marked(fixed, PLACE) == before


def test_a_name_made_by_hand_stays_as_it_is_until_it_is_adopted(fixed: Lab) -> None:
    """The recovery papers' resource was there before nimwrap, in another directory: it is a person's."""
    row = fixed.make(days=9)
    fixed.run("mv", row.location, "/export/nim/mksysb/golden")
    fixed.undefine(row.resource)
    fixed.define(FIXED, "/export/nim/mksysb/golden")
    fixed.store.update_image(row.id, removal="removed", removed=NOW)
    golden = marked(fixed, "/export/nim/mksysb/golden")
    new, mark = make_second(fixed)
    done = take_fixed_name(fixed.context, new, RUN, NOW)
    assert not done.moved and "nimwrap images adopt" in done.reason
    assert marked(fixed, "/export/nim/mksysb/golden") == golden
    known = {name: getattr(row, name) for name in ("client", "master", "kind", "size_bytes", "verified", "created")}
    fixed.store.add_image(**known, resource=FIXED, location="/export/nim/mksysb/golden", managed=True)
    done = take_fixed_name(fixed.context, new, RUN, NOW)
    assert done == RenameResult(True, FIXED, "/export/nim/mksysb/golden")
    assert marked(fixed, "/export/nim/mksysb/golden") == mark
    (dated,) = set(fixed.resources()) - {FIXED}
    assert dated.startswith("aix01_")
    assert marked(fixed, fixed.resources()[dated]) != mark


def test_a_file_without_a_definition_is_not_lost(fixed: Lab) -> None:
    row, before = first(fixed)
    fixed.undefine(FIXED)
    new, mark = make_second(fixed)
    assert take_fixed_name(fixed.context, new, RUN, NOW).moved
    assert marked(fixed, ASIDE) == before
    assert marked(fixed, PLACE) == mark
    assert fixed.row(row.id).location == ASIDE


@pytest.mark.parametrize("text", ["", "{}", "not json", json.dumps({"run": RUN})])
def test_a_journal_that_makes_no_sense_is_left(fixed: Lab, text: str) -> None:
    path = fixed.disk(f"/var/adm/nimwrap/{RUN}/replace")
    path.parent.mkdir(parents=True)
    path.write_text(text)
    done = resume(fixed.context, RUN, NOW)
    assert done is not None and done.stuck
    assert path.exists()


def test_a_journal_with_names_for_the_shell_is_left(fixed: Lab) -> None:
    first(fixed)
    new, _ = make_second(fixed)
    with pytest.raises(Crash):
        take_fixed_name(spoiled(fixed, new, Watched(fixed, 5)), new, RUN, NOW)
    path = fixed.disk(f"/var/adm/nimwrap/{RUN}/replace")
    change: dict[str, Any] = json.loads(path.read_text())
    path.write_text(json.dumps(change | {"new": "$(touch /tmp/owned)"}))
    done = resume(fixed.context, RUN, NOW)
    assert done is not None and done.stuck
    assert not fixed.disk("/tmp/owned").exists()


def test_an_old_image_that_was_not_seen_is_not_overwritten(fixed: Lab) -> None:
    """A5: one lost question is no "there is no old file"."""
    old, before = first(fixed)
    new, after = make_second(fixed)
    with pytest.raises(NimwrapError):
        take_fixed_name(spoiled(fixed, new, lost_once(fixed.host, f"[ -f {PLACE} ]")), new, RUN, NOW)
    assert marked(fixed, PLACE) == before
    assert fixed.row(old.id).removal is None
    assert take_fixed_name(fixed.context, new, RUN, NOW).moved
    assert_replaced(fixed, old, new, (before, after))


def test_an_old_image_in_a_directory_where_a_file_vanishes_is_not_overwritten(fixed: Lab) -> None:
    """A5: ls lists what it can and ends with status 2."""
    old, before = first(fixed)
    new, after = make_second(fixed)
    directory = PLACE.rpartition("/")[0]
    host = bent(fixed.host, f"ls -l {directory}", f"ls -l {directory} {directory}/vanished")
    assert take_fixed_name(spoiled(fixed, new, host), new, RUN, NOW).moved
    assert_replaced(fixed, old, new, (before, after))


def test_a_file_that_came_after_the_plan_is_not_overwritten(fixed: Lab) -> None:
    new, _ = make_second(fixed)
    host = Watched(fixed)
    met: list[str] = []

    def put(script: str, run: Callable[[], CommandResult]) -> CommandResult | None:
        if "put the new file in its place" in script and not met:
            met.append(script)
            fixed.disk(PLACE).write_text("made by hand")
        return None

    done = take_fixed_name(spoiled(fixed, new, CutHost(host, put)), new, RUN, NOW)
    assert not done.moved and met
    assert fixed.disk(PLACE).read_text() == "made by hand"


def test_a_journal_that_was_not_read_is_not_none(fixed: Lab) -> None:
    """A12: the line was cut over the journal of a replacement that is half way."""
    old, before = first(fixed)
    new, mark = make_second(fixed)
    with pytest.raises(Crash):
        take_fixed_name(spoiled(fixed, new, Watched(fixed, 8)), new, RUN, NOW)
    host = lost_once(fixed.host, "replace ]")
    with pytest.raises(NimwrapError) as lost:
        resume(spoiled(fixed, new, host), RUN, NOW)
    assert lost.value.code == "master_unreachable"
    done = resume(fixed.context, RUN, NOW)
    assert done is not None and done.moved
    assert_replaced(fixed, old, new, (before, mark))
