"""What a restore hangs on, read from the master now: the image, SPOTs, the target machine, levels, room."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from nimwrap.aix import df, host, lsnim, oslevel
from nimwrap.aix.oslevel import Level
from nimwrap.aix.text import Unrecognised
from nimwrap.domain.sighting import Sightings
from nimwrap.history.model import ImageRow
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import Answer, Question
from nimwrap.images import image_probe
from nimwrap.images.image_probe import Place, ProbedImage
from nimwrap.images.kinds.registry import kind_of
from nimwrap.images.sightings import look_script, read_sightings

SPOT_DIRECTORY = "/export/nim/spot"
SPOT_BYTES = 3 * 1024**3
"""Room that a new SPOT is taken to need; a usual one has between 0.5 and 2 GiB."""


def level(text: str | None) -> Level | None:
    """An AIX level as told, None when it is none."""
    try:
        return oslevel.parse(text or "")
    except Unrecognised:
        return None


def suffices(spot: Level, image: Level) -> bool | None:
    """Same or higher (aix-nim section 8); None when it hangs on a service pack that is not known (0)."""
    if (spot.version, spot.technology_level) != (image.version, image.technology_level):
        return (spot.version, spot.technology_level) > (image.version, image.technology_level)
    if not spot.service_pack or not image.service_pack:
        return None
    return spot.service_pack >= image.service_pack


def level_of(resource: lsnim.NimObject) -> Level | None:
    """The level NIM gives a resource: ``oslevel_s``, else ``oslevel_r``, else version, release and mod."""
    told = level(resource.first("oslevel_s")) or level(resource.first("oslevel_r"))
    if told is not None:
        return told
    version, release, mod = (resource.first(name) or "" for name in ("version", "release", "mod"))
    if not (version.isdigit() and release.isdigit() and mod.isdigit()):
        return None
    return Level(int(f"{version}{release}00"), int(mod))


@dataclass(frozen=True)
class RestoreFacts:
    """Each None or empty where the master did not say."""

    seen: ProbedImage | None = None
    target: lsnim.NimObject | None = None
    target_unknown: bool = False
    spots: tuple[lsnim.NimObject, ...] = ()
    bosinst: tuple[str, ...] = ()
    master_level: Level | None = None
    spot_free_bytes: int | None = None
    addresses: Mapping[str, str] | None = None
    names: frozenset[str] = frozenset()
    sightings: Sightings = field(default_factory=Sightings)
    resources: Mapping[str, str] = field(default_factory=dict)
    """The image resources that NIM has, by the place of their file."""


def gather(
    machine: Host, row: ImageRow, target: str, target_host: str | None, master_host: str | None, spool: str
) -> RestoreFacts:
    """Ask the master in one round trip."""
    place = Place(kind_of(row.kind), row.location, row.resource)
    asked = image_probe.questions(place)
    asked += [
        Question("target", shlex.join(lsnim.long_argv(target)), 60),
        Question("spots", shlex.join(lsnim.long_argv(type_="spot")), 60),
        Question("bosinst", shlex.join(lsnim.long_argv(type_="bosinst_data")), 60),
        Question("all", shlex.join(lsnim.table_argv()), 60),
        Question("level", shlex.join(oslevel.argv()), 60),
        Question("room", shlex.join(df.argv(SPOT_DIRECTORY)), 60),
        Question("sighting", look_script([row.location], spool), 60),
        Question("images", shlex.join(lsnim.long_argv(type_=kind_of(row.kind).owner_type)), 60),
    ]
    hosts = [name for name in dict.fromkeys((target_host or target, master_host)) if name]
    asked += [Question(f"host_{n}", shlex.join(host.argv(name)), 30) for n, name in enumerate(hosts)]
    given = image_probe.ask(machine, asked)
    machine_found = _objects(given.get("target")).get(target)
    told = given.get("target")
    return RestoreFacts(
        seen=image_probe.seen(place, given),
        target=machine_found,
        target_unknown=machine_found is None and told is not None and lsnim.no_such_object(told.output),
        spots=tuple(_objects(given.get("spots")).values()),
        bosinst=tuple(_objects(given.get("bosinst"))),
        master_level=_level(given.get("level")),
        spot_free_bytes=_room(given.get("room")),
        addresses={name: address for n, name in enumerate(hosts) if (address := _address(given.get(f"host_{n}")))},
        names=_names(given.get("all")),
        sightings=_sightings(given.get("sighting")),
        resources={found.first("location") or "": name for name, found in _objects(given.get("images")).items()},
    )


def _sightings(answer: Answer | None) -> Sightings:
    return Sightings() if answer is None or answer.unknown else read_sightings(answer.output)


def _objects(answer: Answer | None) -> dict[str, lsnim.NimObject]:
    if answer is None or answer.unknown or answer.failed or not answer.output.strip():
        return {}
    return lsnim.parse_long(answer.output)


def _level(answer: Answer | None) -> Level | None:
    return None if answer is None or answer.unknown or answer.failed else level(answer.output)


def _room(answer: Answer | None) -> int | None:
    if answer is None or answer.unknown or answer.failed:
        return None
    try:
        return df.parse(answer.output)[-1].free_bytes
    except Unrecognised:
        return None


def _address(answer: Answer | None) -> str | None:
    if answer is None or answer.unknown or answer.failed:
        return None
    try:
        return host.parse(answer.output).addresses[0]
    except (Unrecognised, IndexError):
        return None


def _names(answer: Answer | None) -> frozenset[str]:
    if answer is None or answer.unknown or answer.failed:
        return frozenset()
    try:
        return frozenset(row.name for row in lsnim.parse_table(answer.output))
    except Unrecognised:
        return frozenset()
