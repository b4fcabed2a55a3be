"""Which clients a master has, as its own database lists them now."""

from __future__ import annotations

import shlex

from nimwrap.aix import lsnim
from nimwrap.aix.messages import headline
from nimwrap.aix.text import Unrecognised
from nimwrap.config.model import Config
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.records import InventoryClient
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.questions import PREAMBLE
from nimwrap.images.kinds import KINDS

_LIMIT_S = 90


def take_inventory(host: Host) -> list[InventoryClient]:
    """The standalone machines and VIOS that ``lsnim`` on ``host`` lists, in its order, names as they are.

    Raises NimwrapError when the master cannot be asked, and ``unknown`` with the raw message when its answer is not
    a listing.
    """
    by_type = " ".join(lsnim.long_argv(type_="TYPE")).replace("TYPE", "$t")
    script = f"{PREAMBLE}{shlex.join(lsnim.long_argv())} || for t in standalone vios; do {by_type}; done\n"
    result = host.run(script, timeout=_LIMIT_S)
    try:
        objects = lsnim.parse_long(result.stdout)
    except Unrecognised:
        raise _no_listing(host.name, result.returncode, f"{result.stdout}\n{result.stderr}") from None
    return [
        InventoryClient(name, found.type, found.interfaces[0].host if found.interfaces else None)
        for name, found in objects.items()
        if found.type in ("standalone", "vios")
    ]


def _no_listing(master: str, returncode: int | None, said: str) -> NimwrapError:
    if returncode is None:
        return NimwrapError(
            f"{master} did not answer `lsnim -l` within {_LIMIT_S} s",
            code="master_unreachable",
            hint="see on the master whether lsnim hangs: ps -ef | grep lsnim",
            exit_code=ExitCode.MASTER,
        )
    return NimwrapError(
        f"{master} does not list its NIM objects: {headline(said) or 'lsnim -l said nothing'}",
        hint="on the master: /usr/sbin/lsnim -l",
    )


def can_be_backed_up(config: Config, master: str, client: InventoryClient) -> bool:
    """True when one of the kinds configured for the client can be made of a machine of its type."""
    kinds = config.policy(master, client.name).kinds
    return any(client.type in KINDS[kind].machine_types for kind in kinds)
