"""``nim``: what a restore asks for: a SPOT, bosinst_data, the installation (aix-nim section 8; peers section 4)."""

from __future__ import annotations

from nimwrap.aix.nim import NIM


def define_spot(name: str, *, source: str, location: str) -> list[str]:
    """Make a SPOT from an image; it gets its own directory below ``location``."""
    return [
        NIM,
        "-o",
        "define",
        "-t",
        "spot",
        "-a",
        "server=master",
        "-a",
        f"source={source}",
        "-a",
        f"location={location}",
        name,
    ]


def define_bosinst_data(name: str, *, location: str) -> list[str]:
    """Make a file of installation answers a resource."""
    return [NIM, "-o", "define", "-t", "bosinst_data", "-a", "server=master", "-a", f"location={location}", name]


def bos_inst(client: str, *, image: str, spot: str, bosinst_data: str = "", lpp_source: str = "") -> list[str]:
    """Prepare the installation of ``client`` from an image. It is not booted: that stays with a person.

    ``lpp_source`` adds device filesets that another machine may need (IBM: install/basic_mksysb_image).
    """
    more = [("bosinst_data", bosinst_data), ("lpp_source", lpp_source)]
    return [
        NIM,
        "-o",
        "bos_inst",
        "-a",
        "source=mksysb",
        "-a",
        f"mksysb={image}",
        "-a",
        f"spot={spot}",
        *(word for key, value in more if value for word in ("-a", f"{key}={value}")),
        "-a",
        "accept_licenses=yes",
        "-a",
        "boot_client=no",
        client,
    ]
