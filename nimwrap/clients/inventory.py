"""Which clients a master has, as its own database lists them now."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from nimwrap.aix import lsnim
from nimwrap.aix.messages import headline
from nimwrap.aix.text import Unrecognised
from nimwrap.clients.exports_left import ExportRows, exports_script, left_exports, read_exports
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.names import PLAIN_KIND, is_host_name
from nimwrap.domain.records import ClientRef, Inventory, InventoryClient
from nimwrap.history.ports import Queries
from nimwrap.hosts.channel_route import LASTS
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import PREAMBLE, limited
from nimwrap.images.kinds.registry import machine_types
from nimwrap.images.sightings import look_script, read_sightings
from nimwrap.preflight.preflight_report import Prior

_LIMIT_S = 90
_LOOK_S = 30
"""A file system that does not answer must not cost the list of clients."""
_EXPORTS, _FILES = "nw_exports", "nw_files"
_HOSTNAME = re.compile(r"^nw_host *(\S*)\r?\n", re.MULTILINE)


@dataclass(frozen=True)
class AlsoLook:
    """What else is looked at on the way: the files at ``places``, those of recorded images, and what is exported beside
    what the journal's ``rows`` say."""

    spool: str
    places: Collection[str]
    rows: ExportRows


def take_inventory(host: Host, also: AlsoLook | None = None) -> Inventory:
    """The machines of which images are made that ``lsnim`` on ``host`` lists, in its order, names as they are.

    Raises NimwrapError when the master cannot be asked, and ``unknown`` with the raw message when its answer is not
    a listing.
    """
    script = f'{PREAMBLE}echo "nw_host $(hostname)"\n{lsnim.listing(*machine_types())}\n'
    if also is not None:
        script += f"nw_listed=$?; echo {_EXPORTS}\n{exports_script(also.spool)}echo {_FILES}\n"
        script += f"{limited(look_script(also.places, also.spool), _LOOK_S)}\n" if also.places else ""
        script += "(exit $nw_listed)\n"
    result = host.run(script, timeout=_LIMIT_S + _LOOK_S)
    told, _, files = result.stdout.partition(f"{_FILES}\n")
    listed, _, exports = told.partition(f"{_EXPORTS}\n")
    own = _HOSTNAME.search(listed)
    said = _HOSTNAME.sub("", listed)
    try:
        objects = lsnim.parse_long(said)
    except Unrecognised:
        raise _no_listing(host.name, result.returncode, f"{said}\n{result.stderr}") from None
    clients = tuple(
        InventoryClient(name, found.type, found.interfaces[0].host if found.interfaces else None)
        for name, found in objects.items()
        if found.type in machine_types()
    )
    hostname = own[1] if own and is_host_name(own[1]) else None
    resting = {one.host: one.name for one in clients if one.host and objects[one.name].ready}
    seen = read_exports(exports)
    left = None if also is None or seen is None else tuple(left_exports(seen, also.rows, resting))
    return Inventory(clients, hostname, read_sightings(files), left)


def prior_of(reader: Queries, ref: ClientRef, listed: Inventory | None, now: datetime, kind: str = PLAIN_KIND) -> Prior:
    """What is known of a client before it is looked at, by the history and by a listing taken before."""
    return Prior(
        tuple(reader.sizes(ref.master, ref.client, kind)),
        reader.remedies_proven(ref.master),
        listed.hosts.get(ref.client) if listed else None,
        listed.hostname if listed else None,
        reader.known_route(ref.master, ref.client, now - LASTS),
        reader.job_ways(ref.master, now - LASTS),
    )


def _no_listing(master: str, returncode: int | None, said: str) -> NimwrapError:
    if returncode is None:
        last = "".join(f": {line}" for line in said.strip().splitlines()[-1:])
        return master_unreachable(
            f"{master} did not answer `lsnim -l` within {_LIMIT_S} s{last}",
            "see on the master whether lsnim hangs: ps -ef | grep lsnim",
        )
    return NimwrapError(
        f"{master} does not list its NIM objects: {headline(said) or 'lsnim -l said nothing'}",
        hint="on the master: /usr/sbin/lsnim -l",
    )
