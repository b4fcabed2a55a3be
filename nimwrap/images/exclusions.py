"""What images are to leave out: as the configuration wants it, as clients and NIM have it, and how it is changed.

Every change is an event of the history before it is made, and another one after it. The file that stood there is kept
on the client, so that the change can be taken back as long as nobody else has changed the file since.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from nimwrap.aix import exclude_rootvg, lsnim
from nimwrap.aix.exclude_rootvg import CHANGED, FILE, MOST, ExcludeFile
from nimwrap.aix.text import Unrecognised
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.durations import parse_rfc3339
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.ref import ClientRef
from nimwrap.hosts.channel_route import LASTS
from nimwrap.hosts.client_channel import ChannelAnswer, ClientRequest, ask_clients
from nimwrap.hosts.script_batch import Question
from nimwrap.images.image_probe import ask

if TYPE_CHECKING:
    from nimwrap.history.event_row import EventRow
    from nimwrap.history.ports import History, Queries
    from nimwrap.hosts.protocol import Host

KIND = "exclusions"
_LIMIT_S = 60
_ACTS = {"applied": ActName.EXCLUDE, "undone": ActName.UNDO_EXCLUDE}


@dataclass(frozen=True)
class SavedSize:
    """How large the client's image was before the last change, and is since."""

    before_bytes: int
    after_bytes: int
    resource: str | None
    created: str


@dataclass(frozen=True)
class Exclusions:
    """``on_client`` None: it could not be asked, for ``trouble``. ``nim``: the patterns of its NIM resources by name.

    ``done``: what was changed now, empty for nothing; ``kept``: where the file that stood before it lies.
    """

    ref: ClientRef
    wanted: tuple[str, ...]
    on_client: ExcludeFile | None = None
    nim: Mapping[str, Sequence[str]] | None = None
    trouble: str = ""
    done: str = ""
    kept: str = ""
    saved: SavedSize | None = None

    @property
    def drift(self) -> str:
        """How the client's file differs from what is wanted; empty where it does not, or nothing is wanted."""
        if not self.wanted or self.on_client is None:
            return ""
        return exclude_rootvg.drift(self.wanted, self.on_client)


@dataclass(frozen=True)
class ExclusionKeeper:
    """One master's clients and their exclude files; ``hosts``: what the master calls each client."""

    host: Host
    channel: str
    store: History
    reader: Queries
    now: datetime
    hosts: Mapping[str, str]

    def look(self, ref: ClientRef, wanted: tuple[str, ...], nim: Mapping[str, Sequence[str]]) -> Exclusions:
        """What the client has now."""
        answer = self._ask(ref, exclude_rootvg.script())
        found = _read(answer)
        trouble = "" if found else f"{ref.client} did not tell: {answer.output.strip()[-300:] or 'no answer'}"
        return Exclusions(ref, wanted, found, nim, trouble, saved=saved_size(self.reader, ref))

    def apply(self, seen: Exclusions) -> Exclusions:
        """Write what is wanted, where it is not there; the file that stood before is kept."""
        if seen.on_client is None or not seen.wanted or not seen.drift:
            return seen
        before = seen.on_client
        if len(before.patterns or ()) >= MOST:
            return replace(seen, trouble=f"{FILE} of {seen.ref.client} has {MOST} lines or more: merge it by hand")
        kept = f"{FILE}.nimwrap.{self.now.astimezone(UTC):%Y%m%d%H%M%S}" if before.patterns is not None else ""
        data = {
            "client": seen.ref.client,
            "before": before.patterns,
            "after": seen.wanted,
            "kept": kept,
            "images_before": max((row.id for row in self.reader.images(removed=True)), default=0),
            "size_before": next(iter(self.reader.sizes(seen.ref.master, seen.ref.client, PLAIN_KIND)), None),
        }
        script = exclude_rootvg.write_script(before, seen.wanted, kept or f"{FILE}.nimwrap.none")
        return self._changed(seen, "applied", data, script)

    def undo(self, seen: Exclusions) -> Exclusions:
        """Put back what stood there before the last change that nimwrap made, and nobody has changed since."""
        last = last_change(self.reader, seen.ref)
        if last is None:
            return replace(seen, trouble=f"nimwrap has changed nothing on {seen.ref.client} that could be taken back")
        written = ExcludeFile(tuple(last.data["after"]))
        script = exclude_rootvg.restore_script(written, last.data["kept"])
        return self._changed(seen, "undone", {**last.data, "undoes": last.id}, script)

    def _changed(self, seen: Exclusions, state: str, data: dict[str, Any], script: str) -> Exclusions:
        self._note(seen.ref, "planned", {**data, "state": "planned", "to_be": state})
        answer = self._ask(seen.ref, script)
        found = _read(answer)
        if answer.returncode == CHANGED:
            trouble = f"{FILE} of {seen.ref.client} was changed by others meanwhile; it was left as it is"
        elif answer.returncode == 0 and found is not None:
            self._note(seen.ref, state, {**data, "state": state})
            kept = str(data["kept"]) if state == "applied" else ""
            return replace(seen, on_client=found, done=state, kept=kept)
        else:
            trouble = f"whether {FILE} of {seen.ref.client} was changed is not known: {answer.output.strip()[-300:]}"
        self._note(seen.ref, "failed", {**data, "state": "failed", "why": trouble})
        return replace(seen, trouble=trouble)

    def _note(self, ref: ClientRef, state: str, data: Mapping[str, Any]) -> None:
        text = f"{FILE} of {ref.client}: {state}"
        name = _ACTS.get(state)
        kind = Act(KIND, name, ref.client) if name else KIND
        self.store.event(kind, text, master=ref.master, data=data, at=self.now)

    def _ask(self, ref: ClientRef, script: str) -> ChannelAnswer:
        route = self.reader.known_route(ref.master, ref.client, self.now - LASTS)
        request = ClientRequest(self.hosts.get(ref.client) or ref.client, script, route=route)
        return ask_clients(self.host, self.channel, {ref.client: request}, limit_s=_LIMIT_S)[ref.client]


def last_change(reader: Queries, ref: ClientRef) -> EventRow | None:
    """The newest change of a client's file that was not taken back, or of whose end nothing is known."""
    mine = [
        event
        for event in reader.noted(KIND, datetime.min.replace(tzinfo=UTC))
        if event.master == ref.master and event.data["client"] == ref.client
    ]
    if mine and mine[-1].data["state"] == "planned" and mine[-1].data["to_be"] == "applied":
        return mine[-1]  # killed in the middle; whether the file is what was to be written is seen by taking it back
    undone = {event.data["undoes"] for event in mine if event.data["state"] == "undone"}
    ended = [event for event in mine if event.data["state"] == "applied" and event.id not in undone]
    return ended[-1] if ended else None


def saved_size(reader: Queries, ref: ClientRef) -> SavedSize | None:
    """What the first image since the last change shows; None before there is one, or without an image before it."""
    change = last_change(reader, ref)
    if change is None or not change.data["size_before"]:
        return None
    images = reader.images(ref.master, ref.client, kind=PLAIN_KIND, removed=True)
    since = [
        row
        for row in images
        if row.verified
        and row.id > change.data["images_before"]
        and parse_rfc3339(row.created) >= parse_rfc3339(change.at).replace(microsecond=0)
    ]
    if not since:
        return None
    first = min(since, key=lambda row: (row.created, row.id))
    return SavedSize(change.data["size_before"], first.size_bytes, first.resource, first.created)


def nim_patterns(host: Host, clients: Iterable[str]) -> dict[str, dict[str, tuple[str, ...]]]:
    """By client the exclude_files resources that are called after it or allocated to it, with their lines."""
    wanted = list(clients)
    given = ask(host, [Question("objects", shlex.join(lsnim.long_argv(type_="exclude_files")), _LIMIT_S)])["objects"]
    resources = lsnim.parse_long(given.output) if given.returncode == 0 and given.output.strip() else {}
    places = {name: place for name, one in resources.items() if (place := one.first("location"))}
    questions = [
        Question(f"r{n}", f"head -n {MOST} {shlex.quote(place)}", 30) for n, place in enumerate(places.values())
    ]
    told = ask(host, questions) if questions else {}
    lines = {name: tuple(told[f"r{n}"].output.splitlines()) for n, name in enumerate(places) if f"r{n}" in told}
    return {client: {name: lines[name] for name in lines if _is_of(name, client)} for client in wanted}


def _is_of(resource: str, client: str) -> bool:
    """Whether a resource is called after a client: its name stands in it between other marks than letters."""
    return client in resource.replace("-", "_").split("_") or resource.endswith(f"_{client}") or resource == client


def _read(answer: ChannelAnswer) -> ExcludeFile | None:
    if answer.unknown or answer.failed:
        return None
    try:
        return exclude_rootvg.parse(answer.output)
    except Unrecognised:
        return None
