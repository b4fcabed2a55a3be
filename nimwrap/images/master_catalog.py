"""What lies on a master now: image resources, image files, the clients NIM knows, and the master's clock."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from nimwrap.aix import df, ls, lsnim
from nimwrap.aix.text import Unrecognised
from nimwrap.config.model import Config, MasterConfig
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.names import is_safe_path
from nimwrap.domain.sighting import Sightings
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import Answer, Question
from nimwrap.images.image_probe import ask
from nimwrap.images.kinds.registry import machine_types, resource_types
from nimwrap.images.kit.kit_names import is_kit_file
from nimwrap.images.sightings import look_script, read_sightings
from nimwrap.images.verification import short_name

STAGING = "/.nimwrap/"
_CLOCK = "%Y%m%d%H%M%S"


@dataclass(frozen=True)
class MasterCatalog:
    """``files``: sizes by path, below the configured directories and at the resources' own places.
    ``seen``: what stands at the places that were asked about.

    ``hosts``: NIM client by short node or host name. ``utc_offset``: how far the master's local time is ahead.
    ``filesystems``: that of each directory. ``clock``: the master's own time; None when it could not be read.
    """

    resources: dict[str, lsnim.NimObject]
    files: dict[str, int]
    hosts: dict[str, str]
    utc_offset: timedelta
    filesystems: dict[str, df.Filesystem]
    clock: datetime | None = None
    seen: Sightings = field(default_factory=Sightings)

    def client_of(self, resource: lsnim.NimObject, node: str | None = None) -> str | None:
        """The client that an image is of: as NIM says, else the one whose host is called like the image's node."""
        return resource.first("source_image") or (self.hosts.get(short_name(node)) if node else None)

    def created(self, resource: lsnim.NimObject) -> datetime | None:
        """``creation_date`` in UTC; NIM prints the master's local time without a zone (aix-nim section 2.4)."""
        try:
            local = datetime.strptime(resource.first("creation_date") or "", "%a %b %d %H:%M:%S %Y")
        except ValueError:
            return None
        return (local - self.utc_offset).replace(tzinfo=UTC)


@dataclass(frozen=True)
class MasterState:
    """What decides about images and may change at any moment: all image resources by name, the clients that are being
    worked on, the master's own time, and what stands at the places of images; ``stopped``: why none may go now."""

    resources: dict[str, lsnim.NimObject]
    busy: frozenset[str] = frozenset()
    clock: datetime | None = None
    seen: Sightings = field(default_factory=Sightings)
    stopped: str | None = None

    def earliest(self, now: datetime) -> datetime:
        """Now by the slower of both clocks: what is dated after it was dated by a wrong one."""
        return now if self.clock is None else min(now, self.clock)


def survey(host: Host, master: MasterConfig, places: Collection[str] = ()) -> MasterState:
    """Allocation counts, client locks and what stands at ``places``, in one round trip; raises when the master does not
    say all of the first two."""
    locks = f"{shlex.quote(master.spool)}/locks"
    asked = [Question("locks", f"[ ! -d {locks} ] || ls {locks}", 60), Question("clock", f"date -u +{_CLOCK}", 60)]
    asked += _look(places, master.spool)
    given = ask(host, [*_listings(resource_types()), *asked])
    held = given.get("locks")
    if held is None or held.unknown or held.failed:
        raise master_unreachable(
            f"{master.name} does not say which clients are being worked on",
            "nothing was removed; run the command again",
        )
    return MasterState(
        _listed(given, resource_types()), frozenset(held.output.split()), _utc(given.get("clock")), _seen(given)
    )


def _look(places: Collection[str], spool: str) -> list[Question]:
    return [Question("seen", look_script(places, spool), 300)] if places else []


def _seen(given: Mapping[str, Answer]) -> Sightings:
    """What stands at the places that were asked about; nothing is known of any where that was not answered."""
    answer = given.get("seen")
    return Sightings() if answer is None or answer.unknown else read_sightings(answer.output)


def directories(config: Config, master: str, recorded: Iterable[str] = ()) -> list[str]:
    """Every directory that images of this master go to or lie in; none that lies below another."""
    named = {config.policy(master, name.rpartition("/")[2]).directory for name in config.clients}
    named |= {config.policy(master, "").directory} | {path.rpartition("/")[0] for path in recorded}
    plain = sorted(path.rstrip("/") for path in named if is_safe_path(path))
    return [path for path in plain if not any(path.startswith(f"{other}/") for other in plain)]


def copy_directories(config: Config, master: str, roots: Collection[str] = ()) -> list[str]:
    """Where copies of images lie on this master, its own or another's; what is there is no image of the master.

    A directory that one of ``roots`` lies in is none of them.
    """
    places = [place for place in config.copies.values() if place.directory and place.to in ("", master)]
    found = [place.directory.rstrip("/") for place in places]
    return [directory for directory in found if not any(f"{root}/".startswith(f"{directory}/") for root in roots)]


def _below(path: str, directories: Iterable[str]) -> bool:
    return any(path.startswith(f"{directory}/") for directory in directories)


def read_catalog(host: Host, config: Config, master: str, recorded: Collection[str] = ()) -> MasterCatalog:
    """Ask the master in two round trips; raises when it cannot be reached or lsnim fails."""
    types, machines = resource_types(), machine_types()
    asked = _listings((*types, *machines))
    roots = directories(config, master, recorded)
    asked += [Question(f"tree{n}", shlex.join(ls.tree_argv(root)), 300) for n, root in enumerate(roots)]
    asked += [Question(f"df{n}", shlex.join(df.argv(root)), 60) for n, root in enumerate(roots)]
    asked += [Question("clock", f"date +{_CLOCK}; date -u +{_CLOCK}"), *_look(recorded, config.masters[master].spool)]
    given = ask(host, asked, timeout=600)
    resources = _listed(given, types)
    # A type that nobody knows about has raised by now.
    if not resources and not any(given[type_].succeeded for type_ in types if type_ in given):
        raise NimwrapError(
            f"lsnim on {host.name} gave no answer",
            code="nim_refused",
            hint="see whether the NIM master is configured there: lsnim",
        )
    copied = copy_directories(config, master, roots)
    resources = {name: one for name, one in resources.items() if not _below(one.first("location") or "", copied)}
    files = {
        entry.name: entry.size_bytes
        for number in range(len(roots))
        for entry in _entries(given.get(f"tree{number}"))
        if STAGING not in entry.name and not is_kit_file(entry.name) and not _below(entry.name, copied)
    }
    elsewhere = [
        place
        for found in resources.values()
        if (place := found.first("location"))
        and place not in files
        and is_safe_path(place)
        and not any(place.startswith(f"{root}/") for root in roots)
    ]
    if elsewhere:
        more = ask(host, [Question("files", shlex.join(ls.argv(*sorted(set(elsewhere)))), 300)])
        files |= {entry.name: entry.size_bytes for entry in _entries(more.get("files")) if entry.regular}
    clients = _listed(given, machines).values()
    mounts = {root: row for n, root in enumerate(roots) for row in _mounts(given.get(f"df{n}"))}
    clock = given.get("clock")
    return MasterCatalog(resources, files, _hosts(clients), _offset(clock), mounts, _utc(clock), _seen(given))


def _listings(types: Iterable[str]) -> list[Question]:
    """``lsnim`` for each type of NIM object, named like the type."""
    return [Question(type_, shlex.join(lsnim.long_argv(type_=type_)), 120) for type_ in types]


def _listed(given: Mapping[str, Answer], types: Iterable[str]) -> dict[str, lsnim.NimObject]:
    """The objects of these types by name; raises when lsnim gave no answer about one."""
    return {name: found for type_ in types for name, found in _objects(given.get(type_)).items()}


def _objects(answer: Answer | None) -> dict[str, lsnim.NimObject]:
    """No object of a type is an error to some levels and silence to others; both mean none."""
    if answer is None or answer.unknown:
        raise master_unreachable("lsnim gave no answer within its limit", "run the command again")
    if answer.failed or not answer.output.strip():
        return {}
    return lsnim.parse_long(answer.output)


def _mounts(answer: Answer | None) -> list[df.Filesystem]:
    if answer is None or answer.unknown or answer.failed:
        return []
    return df.parse(answer.output)[-1:]


def _entries(answer: Answer | None) -> list[ls.FileEntry]:
    if answer is None or answer.unknown:
        raise master_unreachable("ls gave no answer within its limit", "see whether its file systems answer")
    try:
        return ls.parse(answer.output)
    except Unrecognised:  # a directory that is not there yet
        return []


def _hosts(machines: Iterable[lsnim.NimObject]) -> dict[str, str]:
    named = {short_name(each.host): machine.name for machine in machines for each in machine.interfaces}
    return named | {short_name(machine.name): machine.name for machine in machines}


def _utc(answer: Answer | None) -> datetime | None:
    if answer is None:
        return None
    try:
        return datetime.strptime(answer.output.split()[-1], _CLOCK).replace(tzinfo=UTC)
    except (ValueError, IndexError):
        return None


def _offset(answer: Answer | None) -> timedelta:
    """From the same moment in both forms, to the next quarter of an hour; none when they cannot be read."""
    try:
        local, utc = (datetime.strptime(text, _CLOCK) for text in (() if answer is None else answer.output.split()))
    except ValueError:
        return timedelta()
    return timedelta(minutes=15 * round((local - utc).total_seconds() / 900))
