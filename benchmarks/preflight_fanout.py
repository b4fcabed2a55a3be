"""Preflight of many clients beside a bare script on the master, and beside ansible-core's ``raw``.

    python benchmarks/preflight_fanout.py [--clients 200] [--rounds 3] [--ansible]

An embedded estate answers; all ways use 16 calls at once, the same client script and the same master shell. The bare
script has no limits, no status of the client's own and no parsing. Goal: at most 1.15 of it (issue "The main job").

With ``--ansible`` everything goes over one SSH server on loopback: nimwrap, the bare script, and a playbook of one
``raw`` task that makes the same channel call for each client. ansible-core is installed into a virtual environment of
its own in the temporary directory. CPU time is that of all processes, the simulated hosts' too: where the machine is
busy it says more than the time on the clock.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the tests' sshd is used as it is

from nimwrap.clients.inventory import take_inventory  # noqa: E402
from nimwrap.config.model import Config, MasterConfig  # noqa: E402
from nimwrap.estate.builder import build  # noqa: E402
from nimwrap.hosts.client_channel import ClientRequest, ask_clients  # noqa: E402
from nimwrap.hosts.connect import open_master  # noqa: E402
from nimwrap.hosts.piecewise import C_RSH  # noqa: E402
from nimwrap.hosts.protocol import Host  # noqa: E402
from nimwrap.hosts.script_batch import PREAMBLE  # noqa: E402
from nimwrap.preflight.client_facts import client_script  # noqa: E402
from nimwrap.preflight.engine import preflight  # noqa: E402
from nimwrap.preflight.preflight_report import Prior  # noqa: E402
from tests.hosts.sshd import SSHD, Sshd  # noqa: E402

AT_ONCE = 16
BARE = "bare script"
PLAYBOOK = """\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.raw: {c_rsh} {{{{ inventory_hostname }}}} "$(cat /tmp/look)"
"""
INVENTORY = """\
[all:vars]
ansible_host={host}
ansible_port={port}
ansible_user={user}
ansible_ssh_private_key_file={identity_file}
ansible_ssh_common_args=-o UserKnownHostsFile={known_hosts}
[all]
"""


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


class Taken(NamedTuple):
    wall_s: float
    cpu_s: float
    walls_s: tuple[float, ...]
    """Of each round."""


class Meter:
    """Time on the clock and on the processors, of us, our children and what the SSH server started."""

    def __init__(self, server: Sshd | None, rounds: int) -> None:
        self.server, self.rounds = server, rounds

    def medians(self, acts: Mapping[str, Callable[[], object]]) -> dict[str, Taken]:
        """Every round takes all of ``acts`` in turn, so that a machine that slows down does so for all of them."""
        taken = [{title: self._once(act) for title, act in acts.items()} for _ in range(self.rounds)]
        found = {}
        for title in acts:
            walls, cpus = zip(*(one[title] for one in taken), strict=True)
            found[title] = Taken(statistics.median(walls), statistics.median(cpus), walls)
        return found

    def _once(self, act: Callable[[], object]) -> tuple[float, float]:
        before, began = self._cpu(), time.perf_counter()
        act()
        wall = time.perf_counter() - began
        deadline = time.monotonic() + 60
        while self.server and self.server.sessions() and time.monotonic() < deadline:
            time.sleep(0.1)  # the server knows what a session took when it has ended
        return wall, self._cpu() - before

    def _cpu(self) -> float:
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        total = sum(one.ru_utime + one.ru_stime for one in used)
        if self.server:
            fields = Path(f"/proc/{self.server.pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
        return total


@contextlib.contextmanager
def opened(master: MasterConfig) -> Iterator[Host]:
    """A connection of its own for each way that is measured."""
    host = open_master(master)
    try:
        yield host
    finally:
        host.close()


def bare(master: MasterConfig, clients: list[str], script: str) -> None:
    with opened(master) as host:
        result = host.run(bare_script(clients, script), timeout=1800)
    assert result.succeeded and result.stdout.count(" begin machine") == len(clients), result.stderr


def asked(master: MasterConfig, clients: list[str], script: str) -> None:
    with opened(master) as host:
        found = ask_clients(host, "c_rsh", {name: ClientRequest(name, script) for name in clients}, parallel=AT_ONCE)
    assert all(answer.succeeded for answer in found.values())


def looked(master: MasterConfig, clients: list[str]) -> None:
    """As `nimwrap check` does it: the inventory says what the clients are called, then everybody is asked at once."""
    with opened(master) as host:
        listed = take_inventory(host)
        prior = {client: Prior(host=listed.hosts.get(client), master_name=listed.hostname) for client in clients}
        reports = preflight(host, master, Config(masters={"nim": master}), clients, prior, datetime.now(UTC))
    assert len(reports) == len(clients) and not any(report.failure for report in reports)


def ansible(place: Path) -> Path | None:
    """ansible-playbook in a virtual environment of its own; None, and why, where it cannot be had."""
    venv = place / "ansible"
    for argv in ([sys.executable, "-m", "venv", venv], [venv / "bin/pip", "install", "-q", "ansible-core"]):
        done = subprocess.run(argv, capture_output=True, check=False)
        if done.returncode:
            print(f"ansible-core cannot be installed here: {done.stderr.decode().strip().splitlines()[-1]}")
            return None
    return venv / "bin/ansible-playbook"


def played(playbook: Path, place: Path, clients: list[str]) -> None:
    """The one task for all clients; sixteen forks, connections shared as Ansible does by default."""
    env = {"PATH": os.environ["PATH"], "HOME": str(place), "LANG": "C.UTF-8", "ANSIBLE_FORKS": str(AT_ONCE)}
    argv = [playbook, "-i", place / "inventory", place / "look.yml"]
    done = subprocess.run(argv, env=env, cwd=place, capture_output=True, check=False)
    said = done.stdout.decode()
    assert done.returncode == 0 and said.count("ok=1 ") == len(clients), said[-2000:] + done.stderr.decode()


def measure(place: Path, options: argparse.Namespace, server: Sshd | None, master: MasterConfig) -> None:
    clients = [f"aix{number:02}" for number in range(1, options.clients + 1)]
    script = client_script("nim", "b3c4d5e6")
    acts: dict[str, Callable[[], object]] = {
        BARE: lambda: bare(master, clients, script),
        "ask_clients": lambda: asked(master, clients, script),
        "preflight, all of it": lambda: looked(master, clients),
    }
    playbook = ansible(place) if server else None
    if server and playbook:
        (place / "inventory").write_text(INVENTORY.format(**server.master_keys()) + "\n".join(clients) + "\n")
        (place / "look.yml").write_text(PLAYBOOK.format(c_rsh=C_RSH))
        (place / "estate/hosts/nim/tmp/look").write_text(script)
        acts["ansible-core raw"] = lambda: played(playbook, place, clients)
    found = Meter(server, options.rounds).medians(acts)
    for title, one in found.items():
        wall, cpu = one.wall_s / found[BARE].wall_s, one.cpu_s / found[BARE].cpu_s
        each = ", ".join(f"{wall_s:.1f}" for wall_s in one.walls_s)
        print(f"{title:22} {one.wall_s:7.2f} s  {wall:4.2f}   CPU {one.cpu_s:7.2f} s  {cpu:4.2f}   rounds {each}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ansible", action="store_true", help="everything over an SSH server, beside ansible-core")
    options = parser.parse_args()
    print(f"{options.clients} clients, {AT_ONCE} at once, median of {options.rounds}; goal 1.15 of the bare script")
    with tempfile.TemporaryDirectory(prefix="fanout-") as directory:
        place = Path(directory)
        estate = build(place / "estate", clients=options.clients, cluster=False)
        if not options.ansible:
            measure(place, options, None, MasterConfig("nim", transport="local", shell=estate.shell("nim")))
            return
        if SSHD is None:
            print("no sshd on this machine: nothing measured")
            return
        limits = "MaxSessions 64\nMaxStartups 100"
        with Sshd(place / "sshd", force_command=estate.shell("nim"), options=limits) as server:
            measure(place, options, server, MasterConfig("nim", transport="ssh", **server.master_keys()))


if __name__ == "__main__":
    main()
