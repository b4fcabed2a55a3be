"""What must hold after every schedule, and at every moment of it, as the master's own files and the history say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from nimwrap.estate.image import DamagedError, check_whole
from nimwrap.images.kit.kit_names import is_kit_file
from tests.interleaving.exploring import Ended, Moment, World
from tests.interleaving.master_disk import Entry

_IMAGES = "hosts/nim/export/nim/mksysb"
_KEPT = frozenset({"locks", "slots", "limits"})


@dataclass
class Reality:
    """Judges moments against the one before all actors. ``strict``: nobody was killed, so nothing waits for recover."""

    world: World
    before: Moment
    strict: bool = True
    _whole: dict[Entry, bool] = field(default_factory=dict)
    _judged: dict[tuple[int, int], list[str]] = field(default_factory=dict)
    _passed: dict[int, list[str]] = field(default_factory=dict)

    def violations(self, ended: Ended) -> list[str]:
        """Of one whole schedule."""
        found = [f"{name}: {how}" for name, how in ended.how.items() if how.startswith("bug")]
        for state in dict.fromkeys(moment.master for moment in ended.moments):
            if state not in self._passed:
                self._passed[state] = list(self._at_any_moment(state))
            found += self._passed[state]
        found += self._still_made(ended)
        if "unreadable" in ended.how.get("full", ""):
            found += self._forgotten(ended.moment)
        return found + self.at_the_end(ended.moment) if self.strict else found

    def _still_made(self, ended: Ended) -> Iterator[str]:
        """A run that somebody was told to have cancelled, and whose image is there all the same."""
        cancelled = ended.how.get("cancel", "").removeprefix("cancelled ")
        for run in self.world.control.rows(ended.moment.control, "select id, outcome from runs"):
            if run["id"] == cancelled and run["outcome"] in ("ok", "warning"):
                yield f"(c) {cancelled} is said to be cancelled and ended {run['outcome']}"

    def _forgotten(self, moment: Moment) -> list[str]:
        """Damaged images without a fault, although somebody has read one to its end and seen it."""
        found = self._found(moment.master)
        rows = self.world.control.rows(moment.control, "select * from images where removed is null")
        damaged = [row for row in rows if row["location"] in found and not self._is_whole(found[row["location"]])]
        return [f"(c) the fault of {row['location']} is forgotten" for row in damaged if not row["fault"]]

    def at_the_end(self, moment: Moment) -> list[str]:
        """When everybody has ended, and recover has run where it had to."""
        key = (moment.master, moment.control)
        if key not in self._judged:
            self._judged[key] = [
                *self._exports(moment),
                *self._images(moment),
                *self._rows(moment),
                *self._left(moment),
            ]
        return self._judged[key]

    def _is_whole(self, entry: Entry) -> bool:
        if entry not in self._whole:
            path = self.world.master.image(entry)
            self._whole[entry] = path is not None and _can_be_read(path)
        return self._whole[entry]

    def _found(self, state: int) -> dict[str, Entry]:
        files = self.world.master.files(state, _IMAGES)
        return {f"/export/nim/mksysb/{path}": it for path, it in files.items() if it != "/" and not is_kit_file(path)}

    def _objects(self, state: int) -> dict[str, dict[str, str]]:
        text = self.world.master.files(state, "hosts/nim/etc/objrepos")["nim.json"]
        assert isinstance(text, bytes)
        return {name: it for name, it in json.loads(text).items() if it.get("type") == "mksysb"}

    def _at_any_moment(self, state: int) -> Iterator[str]:
        if any(map(self._is_whole, self._found(self.before.master).values())) and not any(
            map(self._is_whole, self._found(state).values())
        ):
            yield "(b) there was a moment without any whole image"
        spool, clients = self.world.master.spool(state), list[str]()
        for run in self.world.master.wrappers(state).values():
            client = run.split("-")[1]
            clients.append(client)
            if f"{run}/wrapper" not in spool:
                yield f"(d) the directory of {run} went while its wrapper lived"
            if spool.get(f"locks/{client}/run") != f"{run}\n".encode():
                yield f"(e) {run} lost its lock while its wrapper lived"
        if len(clients) != len(set(clients)):
            yield f"(e) two operations of one client at once: {clients}"

    def _exports(self, moment: Moment) -> Iterator[str]:
        for name in ("exports", "xtab"):
            was, now = (self.world.master.files(each.master, "hosts/nim/etc")[name] for each in (self.before, moment))
            if was != now:
                yield f"(a) /etc/{name} is not as before: {now!r}"

    def _images(self, moment: Moment) -> Iterator[str]:
        found, objects = self._found(moment.master), self._objects(moment.master)
        rows = self.world.control.rows(moment.control, "select * from images where removed is null")
        recorded = {row["location"]: row for row in rows}
        for path, row in recorded.items():
            if path not in found:
                yield f"(b) {path} is recorded and is not there"
                continue
            whole = self._is_whole(found[path])
            if whole and (not row["verified"] or row["fault"]):
                yield f"(c) the whole image {path} is recorded with a fault: {row['fault']}"
            if objects.get(row["resource"], {}).get("location") != path:
                yield f"(c) {row['resource']} is not defined at {path}"
            if row["removal"]:
                yield f"(d) the removal of {path} is still {row['removal']}"
        for path in found.keys() - recorded.keys():
            yield f"(c) {path} lies there unrecorded"
        for name, it in objects.items():
            if it.get("location") not in recorded:
                yield f"(c) the resource {name} is defined and unrecorded"
        before = self._found(self.before.master)
        for row in self.world.control.rows(self.before.control, "select * from images where pinned = 1"):
            if before[row["location"]] not in found.values():
                yield f"(b) the pinned image {row['location']} is gone"

    def _rows(self, moment: Moment) -> Iterator[str]:
        images = self.world.control.rows(moment.control, "select run, removed from images")
        for run in self.world.control.rows(moment.control, "select * from runs"):
            own = [row for row in images if row["run"] == run["id"]]
            if run["outcome"] == "running":
                yield f"(c) {run['id']} is still open"
            elif (run["outcome"] in ("ok", "warning")) != bool(own):
                yield f"(c) {run['id']} is {run['outcome']} and has {len(own)} images"
        for change in self.world.control.rows(moment.control, "select * from export_changes"):
            if change["state"] in ("planned", "applied"):
                yield f"(a) the export change of {change['run']} is still {change['state']}"

    def _left(self, moment: Moment) -> Iterator[str]:
        for path in self.world.master.spool(moment.master).keys() - _KEPT:
            yield f"(d) left in the spool: {path}"
        for run, holder in self.world.control.states[moment.control].leases:
            yield f"(d) the lease of {run} is left by {holder or 'the dead'}"
        for path, entry in self.world.master.states[moment.master].items():
            if path.startswith("state/mounts-") and isinstance(entry, bytes) and json.loads(entry).get("mounts"):
                yield f"(d) still mounted: {path} {entry.decode()}"
            if "/tmp/nimwrap" in path:
                yield f"(d) left: {path}"


def _can_be_read(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            check_whole(file)
    except (OSError, DamagedError):
        return False
    return True
