"""Which address the client's packets to its master leave with: the question, and how its answer is read.

Six ways, the next only where the one before gives nothing: perl asks the kernel, AIX's traceroute tells what the
kernel chose, ``route get`` which address goes with the route, ``netstat`` what a connection to the NFS port has got, on
the client or (seen_by_master) on the master; and the order of the aliases is a guess (aix-nim section 4, powerha
section 7).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from nimwrap.aix import host, ifconfig, netstat, route_get, source_perl, tcp_connection, traceroute
from nimwrap.aix.addresses import ipv4
from nimwrap.aix.text import Unrecognised
from nimwrap.hosts.script_batch import Answer
from nimwrap.preflight.facts import Fact, Missing, absent, raw_text

PERL, TRACEROUTE, ROUTE_GET, NETSTAT, ALIAS_ORDER = "perl", "traceroute", "route", "netstat", "alias-order"
SEEN_BY_MASTER = "master-netstat"
STRONG = frozenset({PERL, TRACEROUTE, ROUTE_GET, NETSTAT, SEEN_BY_MASTER})
"""Methods whose answer comes from a kernel: the client's own, or that of the master to which it connects."""

_MASTER = re.compile(r"^nw_master (\S+)$", re.MULTILINE)
_PART = re.compile(r"^nw_(perl|traceroute|route|netstat|host)\n", re.MULTILINE)


@dataclass(frozen=True)
class SourceAnswer:
    """``master_name`` as the client's mount will use it; ``address`` None when nothing but a guess is left.

    ``master_addresses`` are what the client resolves that name to; ``resolved`` is what its resolver said.
    """

    master_name: str
    address: str | None = None
    method: str | None = None
    master_addresses: tuple[str, ...] = ()
    resolved: str = ""


def source_question(fallback: str) -> str:
    """Shell text for the client. The master's name comes from /etc/niminfo, else it is ``fallback`` (a safe name).

    What the client resolves it to is asked where the name is another one, or no way but the guess is left.
    """
    perl = source_perl.shell("M").removesuffix("M")
    trace = " ".join(traceroute.argv("M")).removesuffix("M")
    route = " ".join(route_get.argv("M")).removesuffix("M")
    listing = netstat.connections_shell(source_perl.NFS_PORT)
    connecting = tcp_connection.shell('"$nw_m"', source_perl.NFS_PORT, 3)
    return (
        'nw_m=$(awk -F= "\\$1==\\"NIM_MASTER_HOSTNAME\\"||\\$1==\\"export NIM_MASTER_HOSTNAME\\"{print \\$2}" '
        '/etc/niminfo 2>/dev/null | tail -n 1 | tr -d "\\042\\047\\015")\n'
        f'case $nw_m in ""|-*|*[!A-Za-z0-9._-]*) nw_m={fallback};; esac\n'
        "echo nw_master $nw_m; echo nw_perl\n"
        f'nw_a=$({perl}"$nw_m" 2>&1); nw_r=$?; echo "$nw_a"\n'
        f"case $nw_r,$nw_m,$nw_a in 0,{fallback},*[0-9].*[0-9].*[0-9].*[0-9]) exit 0;;\n"
        f'0,*,*[0-9].*[0-9].*[0-9].*[0-9]) ;; *) echo nw_traceroute; nw_a=$({trace}"$nw_m" 2>&1); echo "$nw_a"\n'
        f'case $nw_a in *source*[0-9].[0-9]*|*from*[0-9].[0-9]*) ;; *) echo nw_route; nw_a=$({route}"$nw_m" 2>&1)\n'
        'echo "$nw_a"; case $nw_a in *"interf addr: "[0-9]*) ;; *) echo nw_netstat\n'
        # What was there before may be from before a failover.
        f"nw_o=$({listing})\n( {connecting} ) >/dev/null 2>&1 &\n"
        f'sleep 1; {listing} | while read nw_l; do case $nw_o in *"$nw_l"*) ;; *) echo "$nw_l";; esac; done; wait\n'
        ";; esac;; esac;; esac\n"
        'echo nw_host; host "$nw_m"'
    )


def read_source(answers: Mapping[str, Answer], name: str) -> Fact[SourceAnswer]:
    """The answer to :func:`source_question`; missing when not even the master's name came back."""
    text = raw_text(answers, name)
    master = _MASTER.search(text)
    if master is None:
        missing = Missing.UNREADABLE if text.strip() else Missing.UNANSWERED
        return absent(missing, "the question for the source address", text)
    pieces = _PART.split(text)
    parts = dict(zip(pieces[1::2], pieces[2::2], strict=True))
    found = SourceAnswer(master[1], resolved=parts.get("host", ""))
    with suppress(Unrecognised):
        found = replace(found, master_addresses=host.parse(found.resolved).addresses)
    connected = partial(netstat.parse_connections, peers=found.master_addresses, port=source_perl.NFS_PORT)
    ways = ((PERL, source_perl.parse), (TRACEROUTE, _traced), (ROUTE_GET, route_get.parse), (NETSTAT, connected))
    for method, parse in ways:
        with suppress(KeyError, Unrecognised):
            return Fact(replace(found, address=parse(parts[method]), method=method), text)
    return Fact(found, text)


def _traced(text: str) -> str:
    return traceroute.parse(text).source


def first_alias(
    interfaces: Sequence[ifconfig.Interface], rows: Sequence[netstat.Row], masters: Sequence[str]
) -> str | None:
    """The guess: the first address in the master's subnet, else the first of the only interface; else None."""
    outward = [one for one in interfaces if one.ipv4 and not one.ipv4[0].startswith("127.")]
    for interface in outward:
        for address in interface.addresses:
            if address.family == 4 and any(_same_net(address, master) for master in masters):
                return address.address
    if len(outward) == 1:
        return outward[0].ipv4[0]
    if interfaces:
        return None
    firsts = [first for first in netstat.first_addresses(list(rows)).values() if not first.startswith("127.")]
    return firsts[0] if len(firsts) == 1 else None


def _same_net(own: ifconfig.Address, other: str) -> bool:
    if own.prefix is None or ipv4(other) is None:
        return False
    return ipaddress.IPv4Address(other) in ipaddress.IPv4Network(f"{own.address}/{own.prefix}", strict=False)
