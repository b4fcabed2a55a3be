"""The source address of a client that can prove none itself: what the master sees of a connection that it makes.

The client connects to the master's NFS port for a few seconds, and meanwhile the master lists its connections. One that
was not there before, and comes from an address on the client's own interfaces, is the client's: nobody else holds that
address.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from nimwrap.aix import netstat, source_perl, tcp_connection
from nimwrap.domain.names import is_host_name
from nimwrap.hosts.client_channel import PARALLEL, client_command
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.preflight.client_facts import ClientFacts
from nimwrap.preflight.facts import Fact
from nimwrap.preflight.source_address import SEEN_BY_MASTER

_HELD_S = 3
_LIMIT_S = 30
_WHOLE_S = 150.0
"""With a script in pieces on its way."""


@dataclass(frozen=True)
class Caller:
    """``host`` as the master calls the client, by ``route``; ``facts``: what it has told."""

    host: str
    route: str
    facts: ClientFacts

    @property
    def unproven(self) -> bool:
        """True when it told no address, holds more than one, and said whom it takes for its master."""
        told = self.facts.source.value
        return (
            told is not None
            and told.address is None
            and is_host_name(told.master_name)
            and len(self.facts.own_addresses) > 1
        )

    def proven(self, address: str) -> ClientFacts:
        """Its facts with the address that the master has seen."""
        told = self.facts.source
        seen = replace(told.need(), address=address, method=SEEN_BY_MASTER)
        return replace(self.facts, source=Fact(seen, f"{told.raw}\nseen by the master: {address}"))


def seen_by_master(host: Host, clients: Mapping[str, Caller], timeout_s: float = _WHOLE_S) -> dict[str, ClientFacts]:
    """By client, the facts with its source address; those of which the master saw none, or several, are absent.

    Nobody is called where nothing is unproven. Raises what ``host.run`` raises.
    """
    asked = {name: client for name, client in clients.items() if client.unproven}
    found: dict[str, ClientFacts] = {}
    for first in range(0, len(asked), PARALLEL):
        names, nonce = list(asked)[first : first + PARALLEL], secrets.token_hex(4)
        script = _script([asked[name] for name in names], nonce)
        before, _, during = host.run(script, timeout=timeout_s).stdout.partition(f"nw_held_{nonce}\n")
        stood, came = _ends(before), _ends(during)
        for name in names:
            addresses = {address for address, _ in came - stood} & asked[name].facts.own_addresses
            if len(addresses) == 1:
                found[name] = asked[name].proven(addresses.pop())
    return found


def _ends(text: str) -> frozenset[tuple[str, int]]:
    return netstat.parse_peers(text, source_perl.NFS_PORT)


def _script(clients: Sequence[Caller], nonce: str) -> str:
    """Lists the connections once before, then every second until all ``clients`` have ended theirs."""
    calls = [
        f"( {client_command(one.route, one.host, _connecting(one), _LIMIT_S)}\n) >/dev/null 2>&1 & nw_c{number}=$!\n"
        for number, one in enumerate(clients)
    ]
    return (
        f"{PREAMBLE}nw_list() {{ {netstat.connections_shell(source_perl.NFS_PORT)}; }}\n"
        f"nw_list; echo nw_held_{nonce}\n"
        # Its sleep holds nothing open when it is ended.
        "( while kill -0 $$; do nw_list; sleep 1 >/dev/null; done ) </dev/null 2>/dev/null & nw_w=$!\n"
        f"{''.join(calls)}wait {' '.join(f'$nw_c{number}' for number in range(len(calls)))}\n"
        "{ kill $nw_w; wait $nw_w; } 2>/dev/null\nexit 0\n"
    )


def _connecting(client: Caller) -> str:
    return tcp_connection.shell(client.facts.source.need().master_name, source_perl.NFS_PORT, _HELD_S)
