"""Preflight of many clients beside a bare script on the master that makes the same channel calls.

    python benchmarks/preflight_fanout.py [--clients 200] [--rounds 3]

An embedded estate answers; both ways use 16 calls at once, the same client script and the same master shell. The
bare script has no limits, no status of the client's own and no parsing. Goal: at most 1.15 (issue "The main job").
"""

from __future__ import annotations

import argparse
import shlex
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from nimwrap.config.model import Config, MasterConfig
from nimwrap.estate.builder import build
from nimwrap.hosts.channel import C_RSH, ClientRequest, ask_clients
from nimwrap.hosts.connect import open_master
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.questions import PREAMBLE
from nimwrap.preflight.client import client_script
from nimwrap.preflight.engine import preflight

AT_ONCE = 16


def bare_script(clients: list[str], script: str) -> str:
    """What an administrator would write: AT_ONCE loops, each taking every Nth client, answers in files."""
    table = "\n".join(f"{number}) h={client};;" for number, client in enumerate(clients))
    return f"""{PREAMBLE}d=/tmp/bare.$$; mkdir $d; s={shlex.quote(script)}
look() {{ case $1 in
{table}
esac; }}
work() {{ n=$1; while [ $n -lt {len(clients)} ]; do look $n; {C_RSH} $h "$s" >$d/$n 2>&1; n=$((n+{AT_ONCE})); done; }}
k=0; while [ $k -lt {AT_ONCE} ]; do work $k & k=$((k+1)); done; wait; cat $d/*; rm -r $d
"""


def median_s(act: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def bare(host: Host, clients: list[str], script: str) -> None:
    result = host.run(bare_script(clients, script), timeout=900)
    assert result.ok and result.stdout.count(" begin machine") == len(clients), result.stderr


def asked(host: Host, clients: list[str], script: str) -> None:
    found = ask_clients(host, "c_rsh", {name: ClientRequest(name, script) for name in clients}, parallel=AT_ONCE)
    assert all(answer.ok for answer in found.values())


def looked(host: Host, master: MasterConfig, clients: list[str]) -> None:
    reports = preflight(host, master, Config(masters={"nim": master}), clients, {}, datetime.now(UTC))
    assert len(reports) == len(clients)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fanout-") as place:
        estate = build(Path(place, "estate"), clients=options.clients, cluster=False)
        master = MasterConfig("nim", transport="local", shell=estate.shell("nim"))
        host = open_master(master)
        clients = [f"aix{number:02}" for number in range(1, options.clients + 1)]
        script = client_script("nim", "b3c4d5e6")
        first = median_s(lambda: bare(host, clients, script), options.rounds)
        second = median_s(lambda: asked(host, clients, script), options.rounds)
        third = median_s(lambda: looked(host, master, clients), options.rounds)
    print(f"{options.clients} clients, {AT_ONCE} at once, median of {options.rounds}")
    print(f"bare script            {first:7.2f} s  1.00")
    print(f"ask_clients            {second:7.2f} s  {second / first:4.2f}")
    print(f"preflight, all of it   {third:7.2f} s  {third / first:4.2f}  (goal 1.15)")


if __name__ == "__main__":
    main()
