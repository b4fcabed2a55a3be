"""/usr/bin/showmount -e [HOST]: the export list of a server, with AIX's lower-case first line."""

from __future__ import annotations

from nimwrap.estate import net, nfs, remote
from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    """``-e`` only; without it the list of mounting hosts, which this estate leaves empty."""
    hosts = [word for word in args if not word.startswith("-")]
    host = hosts[0] if hosts else me.name
    server = me if host in (me.name, "localhost") else remote.answering(me, host)
    if server is None or net.lookup(me, host) is None:
        me.err(f"showmount: {host}: RPC: 1832-010 Port mapper failure - RPC: 1832-008 Timed out\n")
        return 1
    if not any("e" in word for word in args if word.startswith("-")):
        return 0
    table = nfs.table(server)
    if not table:
        me.out(f"no exported file systems for {host}\n")
        return 0
    width = max(len(one.directory) for one in table)
    me.out(f"export list for {host}:\n")
    for one in table:
        listed = one.hosts("access") or one.hosts("rw") or one.hosts("ro")
        me.out(f"{one.directory:<{width}} {','.join(listed) if listed else '(everyone)'}\n")
    return 0
