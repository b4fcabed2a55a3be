"""What an estate consists of: hosts, addresses, identities. Everything follows from a few numbers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

MASK = "255.255.255.0"
GATEWAY = "10.10.10.252"
_GB = 1048576  # in blocks of 1024 bytes


@dataclass(frozen=True)
class Spec:
    """``build``'s parameters.

    ``image_size`` in bytes, ``rate`` in bytes a second (0: as fast as it goes), ``steps`` portions of an image,
    ``ksh`` is the build machine's shell that stands for /usr/bin/ksh, empty for the one that it calls so;
    ``server`` is the socket of one that runs the commands which only read (else ESTATE_SERVER of the environment),
    ``python`` and ``code`` are what the executables start (as seen from inside the tree, for a chroot).
    """

    clients: int = 2
    cluster: bool = True
    vios: bool = False
    second_master: bool = False
    image_size: int = 262144
    rate: float = 0.0
    steps: int = 8
    files: int = 1200
    behaviour: str = "merge"
    replace_end: str = "unexport"
    refuse_text: str = "exportfs"
    first_alias: bool = True
    holder: str = "powerha1"
    persistent: bool = False
    oslevel: str = "7200-05-04-2220"
    export_gb: int = 200
    directories: tuple[str, ...] = ()
    ksh: str = ""
    python: str = ""
    code: str = ""
    server: str = ""
    real_root: bool = False
    extra: tuple[str, ...] = ()


@dataclass
class HostSpec:
    """One host: ``role`` is master, node, client or vios."""

    name: str
    role: str
    address: str
    master: str = "nim"
    interfaces: list[tuple[str, str, str, str]] = field(default_factory=list)

    @property
    def machine_id(self) -> str:
        """Like a real one: 00F6, four digits of the host, 4C00."""
        last = self.address.split(".")
        return f"00F6{int(last[2]):02X}{int(last[3]):02X}4C00"

    @property
    def mac(self) -> str:
        last = self.address.split(".")
        return f"1ad85f87{int(last[2]):02x}{int(last[3]):02x}"


def hosts(spec: Spec) -> list[HostSpec]:
    """All hosts of the estate: masters, cluster nodes, VIOS, then the plain clients."""
    found = [HostSpec("nim", "master", "10.10.10.100")]
    if spec.cluster:
        found += [HostSpec("powerha1", "node", "10.10.10.101"), HostSpec("powerha2", "node", "10.10.10.103")]
    if spec.second_master:
        found += [HostSpec("nim2", "master", "10.10.10.104"), HostSpec("lpar01", "client", "10.10.10.106", "nim2")]
    if spec.vios:
        found.append(HostSpec("vios1", "vios", "10.10.10.105"))
    names = [f"aix{number:02}" for number in range(1, spec.clients + 1)]
    for place, name in enumerate([*names, *spec.extra]):
        found.append(HostSpec(name, "client", plain_address(place)))
    for one in found:
        one.interfaces = [("en0", one.address, MASK, "boot")]
        if spec.persistent and one.role == "node":
            one.interfaces.append(("en0", persistent_address(one.name), MASK, "persistent"))
    return found


def plain_address(place: int) -> str:
    """10.10.10.110 and on; from the 131st client in 10.10.20.0 and on."""
    if place < 130:
        return f"10.10.10.{110 + place}"
    return f"10.10.{20 + (place - 130) // 250}.{(place - 130) % 250 + 1}"


def persistent_address(node: str) -> str:
    """The persistent label's address of a cluster node."""
    return "10.10.10.241" if node == "powerha1" else "10.10.10.243"


def hosts_file(spec: Spec, all_: list[HostSpec]) -> str:
    """/etc/hosts, the same on each host."""
    lines = ["# Internet Address      Hostname        # Comments", "127.0.0.1\tloopback localhost\t# loopback (lo0)"]
    lines += [f"{one.address}\t{one.name}" for one in all_]
    if spec.cluster:
        lines.append("10.10.10.102\tpowerha1-vip\t# service address of rg_app")
        if spec.persistent:
            lines += [f"{persistent_address(node)}\t{node}-per" for node in ("powerha1", "powerha2")]
    return "\n".join(lines) + "\n"


def cluster_state(spec: Spec) -> dict[str, Any]:
    """The PowerHA cluster: one group with one service address; empty without a cluster."""
    if not spec.cluster:
        return {}
    group = {"label": "powerha1-vip", "address": "10.10.10.102", "node": spec.holder, "state": "ONLINE"}
    return {
        "name": "app_cluster",
        "network": "net_ether_01",
        "nodes": ["powerha1", "powerha2"],
        "state": "ST_STABLE",
        "level": "7.2.5 SP2",
        "first_alias": spec.first_alias,
        "groups": {"rg_app": group},
    }


def file_systems(spec: Spec, role: str) -> list[tuple[str, str, str, int, int, int]]:
    """Device, mount point, type, size and usage in blocks of 1024 bytes, inodes in use."""
    found = [
        ("/dev/hd4", "/", "jfs2", 2 * _GB, 421504, 15822),
        ("/dev/hd2", "/usr", "jfs2", 5 * _GB, 2211052, 49938),
        ("/dev/hd9var", "/var", "jfs2", 4 * _GB, 480816, 8079),
        ("/dev/hd3", "/tmp", "jfs2", 4 * _GB, 136604, 1134),
        ("/dev/hd1", "/home", "jfs2", 2 * _GB, 45032, 225),
        ("/dev/hd11admin", "/admin", "jfs2", _GB // 2, 380, 7),
        ("/proc", "/proc", "procfs", 0, 0, 0),
        ("/dev/hd10opt", "/opt", "jfs2", _GB, 117688, 7173),
    ]
    if role == "master":
        found.append(("/dev/fslv00", "/export/nim", "jfs2", spec.export_gb * _GB, 524288, 112))
    for number, directory in enumerate(spec.directories, 1):
        found.append((f"/dev/fslv{number:02}", directory, "jfs2", 100 * _GB, 1024, 4))
    return found
