"""What one attempt is going to do: everything that starting, following, concluding and recovering it needs.

The plan is recorded before the attempt starts, so that a later process can conclude it from the history and the
spool alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath

NIM = "nim"
"""The ``method`` of an attempt that needs no remedy: NIM's own operation."""

JOB_WAYS = ("setsid", "nohup", "at", "held")
"""How a job on a client is started, in the order to try. ``held``: c_rsh itself runs it, for as long as it takes."""

NAME_TAKEN = "nimwrap: there is an image of that name already"
"""What an operation says that touched nothing, because its clock or another nimwrap had made the same name before."""


def ordered_ways(lost: Mapping[str, bool]) -> tuple[str, ...]:
    """JOB_WAYS in the order of what was seen: what came to its end, what was never tried, what was lost."""
    return tuple(sorted(JOB_WAYS, key=lambda way: {False: 0, None: 1, True: 2}[lost.get(way)]))


@dataclass(frozen=True)
class AttemptPlan:
    """``method`` is ``nim`` or a remedy's name. ``staged`` is where the image is made, ``location`` where it ends up.

    ``exported``: the directory whose export is changed, None without a change; ``added`` the hosts let in;
    ``before``/``after`` its options, without the leading dash, None for no entry.
    ``change``: the journal's row of that change.
    ``max_parallel``: how many images may be in flight on the master when this one starts; ``slots``: the numbers that a
    slot may have where that changes in the course of a night, None where it does not; ``limits``: the limits that the
    image counts against, each with how many it allows at once.
    ``had_exports``/``had_allocations``/``had_cstate``/``had_mounts``/``had_standing``: what stood there before, for the
    clean-up's comparison; ``had_mounts`` None when the client did not tell, ``had_standing`` (the directories of
    /etc/exports) when the master did not.
    ``job_ways``: how a job on the client is started, in the order to try.
    """

    run: str
    number: int
    kind: str
    master: str
    client: str
    client_host: str
    master_name: str
    channel: str
    method: str
    resource: str
    location: str
    staged: str
    flags: str
    spool: str
    timeout_s: int
    stall_s: int
    max_parallel: int
    node: str | None = None
    machine_id: str | None = None
    force: bool = False
    exported: str | None = None
    added: tuple[str, ...] = ()
    before: str | None = None
    after: str | None = None
    env: dict[str, str] = field(default_factory=dict)
    volume_group: str | None = None
    change: int | None = None
    had_exports: tuple[str, ...] = ()
    had_allocations: tuple[str, ...] = ()
    had_cstate: str | None = None
    had_mounts: tuple[str, ...] | None = None
    job_ways: tuple[str, ...] = JOB_WAYS
    slots: int | None = None
    had_standing: tuple[str, ...] | None = None
    limits: tuple[tuple[str, int], ...] = ()

    @property
    def remedy(self) -> str | None:
        """The remedy it goes by, None for NIM's own operation."""
        return None if self.method == NIM else self.method

    @property
    def room(self) -> str:
        """The operation's own directory in the spool."""
        return f"{self.spool}/{self.run}"

    @property
    def directory(self) -> str:
        """The directory the image is made in, which NIM exports for its own operation."""
        return str(PurePosixPath(self.staged).parent)

    @property
    def staging(self) -> str | None:
        """The directory nimwrap made for this run alone, None when the image is made in its place."""
        return self.directory if self.staged != self.location else None

    @property
    def image_name(self) -> str:
        return PurePosixPath(self.staged).name

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> AttemptPlan:
        """The inverse of :meth:`to_json`; KeyError or TypeError when the text is not a plan."""
        fields = json.loads(text)
        for name in ("added", "had_exports", "had_allocations", "job_ways"):
            if name in fields:
                fields[name] = tuple(fields[name])
        for name in ("had_mounts", "had_standing"):
            if fields.get(name) is not None:
                fields[name] = tuple(fields[name])
        fields["limits"] = tuple((str(name), int(most)) for name, most in fields.get("limits", ()))
        return cls(**fields)
