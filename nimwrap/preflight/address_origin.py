"""What kind of address the client leaves from: PowerHA's, a lasting alias, another interface's, or unknown."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nimwrap.domain.records import ResourceGroup
from nimwrap.preflight.client_facts import ClientFacts


class AddressOrigin(StrEnum):
    SERVICE = "service"
    BOOT = "boot"
    PERSISTENT = "persistent"
    ODM_ALIAS = "ODM alias"
    OTHER_INTERFACE = "other interface"
    VOLATILE = "not in the ODM"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Origin:
    """``groups``: the resource groups that are up on this node, one of which brought a service address;
    ``neighbours``: all service labels of the same PowerHA network, which a change of the network would move;
    ``on_powerha``: the host is a PowerHA node, so that an address from outside the ODM is probably a service
    address, even where the cluster's tools do not say so."""

    kind: AddressOrigin
    interface: str = ""
    label: str = ""
    network: str = ""
    groups: tuple[ResourceGroup, ...] = ()
    neighbours: tuple[str, ...] = ()
    on_powerha: bool = False

    def __str__(self) -> str:
        where = f" on {self.interface}" if self.interface else ""
        if self.kind in (AddressOrigin.SERVICE, AddressOrigin.BOOT, AddressOrigin.PERSISTENT):
            brought = " or ".join(f"{group.name} ({group.state} on {group.node})" for group in self.groups)
            suffix = f", brought by resource group {brought}" if brought and self.kind is AddressOrigin.SERVICE else ""
            return f"PowerHA {self.kind} address {self.label}{where}{suffix}"
        words = {
            AddressOrigin.ODM_ALIAS: f"an alias{where} that stands in the ODM",
            AddressOrigin.OTHER_INTERFACE: f"the address of another interface{where}",
            AddressOrigin.VOLATILE: f"an address{where} that is not in the ODM: a cluster's, or added by hand",
        }
        return words.get(self.kind, f"an address{where} of unknown origin" if where else "an address of unknown origin")


def origin_of(address: str, facts: ClientFacts) -> Origin:
    """The cluster's own list comes first, then the ODM (powerha section 4.4, aix-nim section 4)."""
    interface = next((one.name for one in facts.interfaces.value or [] if address in one.ipv4), "")
    label = next((one for one in facts.labels.value or [] if one.address == address), None)
    if label is not None and label.type == AddressOrigin.SERVICE:
        services = [one for one in facts.labels.value or [] if one.type == AddressOrigin.SERVICE]
        neighbours = tuple(dict.fromkeys(one.name for one in services if one.network == label.network))
        groups = groups_here(facts)
        return Origin(AddressOrigin.SERVICE, interface, label.name, label.network, groups, neighbours, True)
    if label is not None and label.type in (AddressOrigin.BOOT, AddressOrigin.PERSISTENT):
        return Origin(AddressOrigin(label.type), interface, label.name, label.network, on_powerha=True)
    lasting = facts.odm.value or {}
    for name, attributes in lasting.items():
        if address in attributes.aliases:
            return Origin(AddressOrigin.ODM_ALIAS, name)
        if address == attributes.netaddr:
            return Origin(AddressOrigin.OTHER_INTERFACE, name)
    kind = AddressOrigin.VOLATILE if interface in lasting else AddressOrigin.UNKNOWN
    if facts.powerha.value and interface:
        return Origin(kind, interface, groups=groups_here(facts), on_powerha=True)
    return Origin(kind, interface)


def groups_here(facts: ClientFacts) -> tuple[ResourceGroup, ...]:
    """The resource groups that are not OFFLINE on this node."""
    here = local_node(facts)
    return tuple(
        ResourceGroup(state.group, state.state, state.node)
        for state in facts.groups.value or []
        if state.node == here and state.state != "OFFLINE"
    )


def local_node(facts: ClientFacts) -> str:
    """This node's name in PowerHA, which need not be its host name: that of its own boot or persistent address."""
    own = facts.own_addresses
    for label in facts.labels.value or []:
        if label.type != AddressOrigin.SERVICE and label.node and label.address in own:
            return label.node
    return (facts.node.value or "").partition(".")[0]
