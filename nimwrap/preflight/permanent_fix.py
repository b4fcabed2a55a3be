"""The lasting cure of a wrong source address, in words. nimwrap prints it and never does it."""

from __future__ import annotations

from nimwrap.domain.findings import numbered
from nimwrap.preflight.address_origin import AddressOrigin, Origin


def permanent_fix(client: str, host: str, origin: Origin) -> str:
    """What to do about an address of this origin so that packets leave with the one that ``host`` stands for."""
    if origin.kind is AddressOrigin.SERVICE:
        return _first_alias(client, origin)
    if origin.kind in (AddressOrigin.BOOT, AddressOrigin.PERSISTENT):
        return (
            f"{origin.label} stays with this node, so the NIM client may be defined by it: nim -o change -a"
            f" if1='NETWORK {origin.label} 0' {client}. Or change routes or alias order so that packets leave with the"
            f" address of {host}. Never define it by a service address: that one moves to other nodes"
        )
    if origin.kind is AddressOrigin.ODM_ALIAS:
        return (
            f"an alias of {origin.interface} stands before the address of {host}. Take the alias off and put it back,"
            f" so that it comes last (smitty inet; connections to the alias break meanwhile), then compare the order"
            " in netstat -in"
        )
    if origin.kind is AddressOrigin.OTHER_INTERFACE:
        return (
            f"the route to the master goes over {origin.interface}. Either define the NIM client by the name of that"
            f" interface's address (nim -o change -a if1='NETWORK NAME 0' {client}), or set a host route to the master"
            f" over the interface that holds the address of {host}"
        )
    if origin.on_powerha:
        return f"if cllsif on the node shows it as a service address: {_first_alias(client, origin)}"
    return (
        f"find out what put this address there (netstat -in, cllsif if this is a PowerHA node, ifconfig lines in"
        f" /etc/rc.net) and let it come after the address of {host}; in PowerHA that is the network's Distribution"
        ' Preference "Disable Firstalias" (smitty cm_service_ip)'
    )


def _first_alias(client: str, origin: Origin) -> str:
    """PowerHA's own option (powerha sections 3 and 5): what it is a property of, what it interrupts, when it works."""
    network = f"network {origin.network}" if origin.network else "network that it belongs to"
    labels = f" ({', '.join(origin.neighbours)})" if origin.neighbours else ""
    groups = " or ".join(group.name for group in origin.groups) or "the resource group that owns it"
    return numbered(
        f'set the Distribution Preference of the PowerHA {network} to "Disable Firstalias":',
        "smitty cm_service_ip, Configure Service IP Labels/Address Distribution Preference, and there the network."
        f" It is a property of the network and moves every service label on it{labels}",
        "Then verify and synchronise the cluster: this makes every pending change of the cluster live, and is not"
        " supported while nodes run different PowerHA versions. Synchronising alone changes nothing yet",
        f"The order changes when the resource group is taken offline and online again ({groups}), which interrupts its"
        " application",
        f"Check: nimwrap check {client}",
    )
