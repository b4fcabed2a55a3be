"""The lab's network: a rack that holds everything, one bridge in it, a network namespace a host."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Self

PROGRAMS = Path(__file__).parent / "programs"
MASK = 24
# A second address stays when the first one goes; a connection whose own address is gone is given up in seconds, not in
# a quarter of an hour, so that the NFS client may connect again from the address it has by then.
_SETTINGS = "cd /proc/sys/net/ipv4; echo 1 > conf/all/promote_secondaries; echo 5 > tcp_retries2"


class Network:
    """Hosts with their first addresses on one bridge. Leaving it kills every process in it and takes it down."""

    def __init__(self, addresses: dict[str, str]) -> None:
        self._addresses = addresses

    def __enter__(self) -> Self:
        self._rack = subprocess.Popen(
            ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", sys.executable, PROGRAMS / "rack.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._rack.stdout
        self.pid = int(self._rack.stdout.readline())
        lines = ["mount -t tmpfs tmpfs /run", "ip link add br0 type bridge forward_delay 0", "ip link set br0 up"]
        for host, address in self._addresses.items():
            lines += [
                f"ip netns add {host}",
                f"ip link add v-{host} type veth peer name en0 netns {host}",
                f"ip link set v-{host} master br0 up",
                f"ip -n {host} link set lo up",
                f"ip netns exec {host} sh -c '{_SETTINGS}'",
                f"ip -n {host} addr add {address}/{MASK} brd + dev en0",
                f"ip -n {host} link set en0 up",
            ]
        self.shell("\n".join(lines))
        return self

    def __exit__(self, *_: object) -> None:
        assert self._rack.stdin
        self._rack.stdin.close()
        self._rack.wait(20)

    def inside(self, *argv: str) -> list[str]:
        """``argv`` as a command in the rack's namespaces."""
        return ["nsenter", "-t", str(self.pid), "-m", "-n", "-p", "--", *argv]

    def of(self, host: str) -> str:
        """The network namespace of ``host``, as a file that anybody on this machine can enter."""
        return f"/proc/{self.pid}/root/run/netns/{host}"

    def shell(self, script: str) -> None:
        """Run a script of ``ip`` commands in the rack; AssertionError with its words when one fails."""
        done = subprocess.run(self.inside("sh", "-e"), input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{done.stderr}\n{script}"

    def addresses(self, host: str, wanted: Iterable[str]) -> None:
        """The host's addresses become ``wanted``; the first one is what packets leave with."""
        lines = [f"ip -n {host} addr flush dev en0"]
        lines += [f"ip -n {host} addr add {address}/{MASK} brd + dev en0" for address in wanted]
        lines += [f"ip -n {other} neigh flush dev en0" for other in self._addresses]
        self.shell("\n".join(lines))

    def limit(self, host: str, bits_s: int) -> None:
        """Whatever is sent to the host shares so many bits a second from now on; half a second of it may queue."""
        limit = f"tbf rate {bits_s}bit burst 64kb latency 500ms"
        self.shell(f"tc qdisc replace dev v-{host} root {limit}")

    def cut(self, host: str) -> None:
        """The host's cable is out."""
        self.shell(f"ip link set v-{host} down")

    def mend(self, host: str) -> None:
        """The cable is in again."""
        lines = [f"ip link set v-{host} up", *(f"ip -n {one} neigh flush dev en0" for one in self._addresses)]
        self.shell("\n".join(lines))
