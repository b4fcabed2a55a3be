"""What to know before a restore: PowerHA, another machine as target, and the other ways to bring an image back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nimwrap.history.model import ImageRow


@dataclass(frozen=True)
class Note:
    """A warning with what to do about it."""

    message: str
    do: str = ""


def cluster_notes(client: str, cluster: dict[str, Any] | None, *, elsewhere: bool) -> list[Note]:
    """Warnings for a PowerHA node. ``cluster`` is what the run recorded at backup time (powerha section 9)."""
    if cluster is None:
        return []
    name = cluster.get("name") or "a PowerHA cluster"
    state = cluster.get("state") or "in an unknown state"
    here = [group["name"] for group in cluster.get("resource_groups", []) if group.get("node") == client]
    held = f", and {client} held {', '.join(here)}" if here else f", and {client} held no resource group"
    notes = [
        Note(
            f"at backup time {client} was a node of {name} ({state}){held}; the image carries that membership",
            "Decide first whether the node is to rejoin, and stop PowerHA from starting at boot if it is not.",
        ),
        Note(
            "restoring a node's image can set off an automatic repository disk replacement on the other nodes "
            "(IBM flash 6359405, PowerHA 7.1.1 and later)",
            "It happens where a backup repository disk is configured: read the flash for your level first.",
        ),
        Note(
            "the repository disk (caavg_private) is no part of rootvg: the image does not hold it, the restored node "
            "still believes in it",
            "Check with lspv on a living node that caavg_private is there before the restored node is booted.",
        ),
        Note(
            "an image of a live node is what NIM makes every night, but IBM's own advice is an image with the cluster "
            "services stopped on that node",
            "Expect to verify and synchronise the cluster after the restore, from a node that kept running.",
        ),
        Note(
            "after the restore host name, /etc/hosts, /etc/cluster/rhosts and netmon.cf must be those of the cluster",
            "Compare them with another node before cluster services are started.",
        ),
    ]
    if cluster.get("service_addresses"):
        addresses = ", ".join(cluster["service_addresses"])
        notes.append(
            Note(
                f"service addresses at backup time: {addresses}; they may be in use on another node now",
                "Make sure the restored node does not bring them up: see clRGinfo on a living node.",
            )
        )
    if elsewhere:
        notes.append(
            Note(
                f"this is a restore of {client} onto another machine while its cluster may be running",
                "Isolate it before its first boot: no SAN zone or mapping to shared disks, a network of its "
                "own. Otherwise it joins, or fights for, the real cluster.",
            )
        )
    return notes


def earlier_machine_notes(image: ImageRow, others: Sequence[ImageRow]) -> list[Note]:
    """A warning where the client has been several machines: this image is of one of them."""
    newest: dict[str, ImageRow] = {}
    for row in sorted(others, key=lambda row: row.created, reverse=True):
        if row.machine_id and row.verified and row.fault is None:
            newest.setdefault(row.machine_id, row)
    if len(newest) < 2 or not image.machine_id:
        return []
    now = next(iter(newest))
    told = "; ".join(
        f"{machine}: {row.resource or row.location} of {row.created[:10]}" for machine, row in newest.items()
    )
    which = "the machine that it was last" if image.machine_id == now else "an earlier machine"
    return [
        Note(
            f"{image.client} has been {len(newest)} machines, and this image is of {which} ({image.machine_id}); "
            f"the newest of each: {told}",
            "Compare with uname -m of the machine to restore; --image names an image of the other one.",
        )
    ]


def other_machine_notes(client: str, target: str) -> list[Note]:
    """A restore onto another machine than the image's own."""
    return [
        Note(
            f"the image makes {target} into a second {client}: same host name, same addresses in its configuration",
            "Keep it off the network of the real one until both are changed.",
        ),
        Note(
            "devices are not recovered on another machine, and its adapters may need filesets the image does not have",
            "Use bosinst_data with RECOVER_DEVICES = no, and add an lpp_source of the image's level to bos_inst if "
            "devices are missing: -a lpp_source=NAME.",
        ),
    ]


@dataclass(frozen=True)
class Alternative:
    title: str
    command: str
    note: str


def alternatives(row: ImageRow, master_host: str) -> list[Alternative]:
    """Other ways to bring this image back."""
    directory, _, name = row.location.rpartition("/")
    return [
        Alternative(
            "onto a second disk of the running client",
            f"mount {master_host}:{directory} /mnt && alt_disk_mksysb -m /mnt/{name} -d hdiskN",
            "hdiskN is a free disk of the client (lspv shows None); it boots from it next. The directory has to be "
            "exported to the client for the time. Clean up with alt_rootvg_op -X altinst_rootvg.",
        ),
        Alternative(
            "through NIM onto a second disk",
            f"nim -o alt_disk_install -a source=mksysb -a mksysb={row.resource or name} -a disk=hdiskN {row.client}",
            "The client has to run and to be reachable by NIM.",
        ),
        Alternative(
            "into a cloud LPAR (such as Power Virtual Server)",
            f"alt_disk_mksysb -m {name} -d hdiskN",
            f"Copy {row.location} to a helper LPAR there (compare cksum), restore it to a free disk of the helper, "
            "detach that volume and boot a new LPAR from it.",
        ),
    ]
