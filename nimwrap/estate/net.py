"""Who has which address, what the names mean on a host, and which source address its kernel takes.

The rule is AIX's (reference aix-nim section 4): the interface of the route, and on it the first address, in alias
order, of the matching subnet. PowerHA puts a service address first unless "Disable Firstalias" is set
(reference powerha section 2).
"""

from __future__ import annotations

from nimwrap.estate.hooks import hook, kernel_source, run
from nimwrap.estate.machine import Machine
from nimwrap.estate.stdlib import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class InterfaceAddress(NamedTuple):
    """One inet line. ``kind``: boot, persistent, alias (in the ODM) or service."""

    adapter: str
    address: str
    mask: str
    kind: str


def number(address: str) -> int:
    """An IPv4 address as a number."""
    value = 0
    for part in address.split("."):
        value = value * 256 + int(part)
    return value


def same_net(one: str, other: str, mask: str) -> bool:
    """True when both addresses lie in one subnet."""
    return number(one) & number(mask) == number(other) & number(mask)


def is_ipv4(text: str) -> bool:
    """True for a dotted address."""
    parts = text.split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts)


def addresses(me: Machine) -> list[InterfaceAddress]:
    """All addresses of the host in the order that its kernel holds them."""
    if hook(me, "addresses"):
        lines = [line.split() for line in run(me, "addresses")[1].splitlines()]
        return [InterfaceAddress(words[0], words[1], words[2], "") for words in lines if len(words) > 2]
    cluster = me.state.read("cluster")
    own = [InterfaceAddress(*line) for line in me.facts["interfaces"]]
    services = [
        InterfaceAddress("en0", group["address"], "255.255.255.0", "service")
        for group in cluster.get("groups", {}).values()
        if group["node"] == me.name and group["state"] == "ONLINE"
    ]
    return [*services, *own] if cluster.get("first_alias", True) else [*own, *services]


def source_towards(me: Machine, target: str) -> str | None:
    """The address a packet to ``target`` leaves with; the first adapter where no subnet matches (default route)."""
    if me.real_root and not me.root:
        return kernel_source(target)
    held = addresses(me)
    for one in held:
        if same_net(one.address, target, one.mask):
            return one.address
    return held[0].address if held else None


def tcp_source_towards(me: Machine, target: str) -> str | None:
    """As :func:`source_towards`, of a TCP connection; another one where the switch says so."""
    return str(me.fault("tcp_source") or "") or source_towards(me, target)


def _entries(me: Machine) -> list[list[str]]:
    lines = (line.split("#", 1)[0].split() for line in me.read("/etc/hosts").splitlines())
    return [words for words in lines if len(words) > 1]


def lookup(me: Machine, name: str) -> str | None:
    """The address of ``name`` as this host resolves it (its /etc/hosts); a dotted address is itself."""
    if is_ipv4(name):
        return name
    for words in _entries(me):
        if name.lower() in (word.lower() for word in words[1:]):
            return words[0]
    return None


def reverse(me: Machine, address: str) -> list[str]:
    """The names of ``address`` as this host resolves them, canonical first; empty without a reverse entry."""
    missing: Any = me.fault("no_ptr")
    if missing:
        hidden = service_addresses(me) if missing is True else missing
        if address in hidden:
            return []
    for words in _entries(me):
        if words[0] == address:
            return words[1:]
    return []


def service_addresses(me: Machine) -> list[str]:
    """The service addresses of the cluster, wherever they are."""
    groups: dict[str, Any] = me.state.read("cluster").get("groups", {})
    return [str(group["address"]) for group in groups.values()]


def holder(me: Machine, address: str) -> str | None:
    """The host that has ``address`` now: a service address moves with its resource group."""
    for group in me.state.read("cluster").get("groups", {}).values():
        if group["address"] == address:
            return str(group["node"]) if group["state"] == "ONLINE" else None
    for name, own in me.state.read("world").get("hosts", {}).items():
        if address in own:
            return str(name)
    return None
