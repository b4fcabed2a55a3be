"""Export options that let one client in and nobody else."""

from __future__ import annotations

from collections.abc import Sequence

_LISTS = ("access", "root", "rw")
"""The host lists that a client must stand in to write as root, wherever the entry has them (aix-nim section 3.3)."""


def admitting_options(hosts: Sequence[str]) -> str:
    """Options of a new export for ``hosts`` alone, in access= and root= (root= does not imply access, aix-nim 3.2)."""
    listed = ":".join(hosts)
    return f"rw,access={listed},root={listed}"


def widened_options(before: str, hosts: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """``before`` (with or without its leading dash) plus ``hosts``, and the hosts that were really added.

    An entry without access= admits everybody already, one whose rw= names nobody lets all of them write; root= is
    needed in any case. ``before`` must not be ``ro``.
    """
    options = before.removeprefix("-").split(",")
    added: dict[str, None] = {}
    out: list[str] = []
    seen_root = False
    for option in options:
        key, equals, value = option.partition("=")
        if equals and key in _LISTS:
            end = ":" if value.endswith(":") and not value.endswith("::") else ""  # as NIM itself writes its lists
            listed = value.removesuffix(end).split(":") if end else value.split(":")
            new = [host for host in hosts if host not in listed]
            added.update(dict.fromkeys(new))
            seen_root = seen_root or key == "root"
            out.append(f"{key}={':'.join([*listed, *new])}{end}")
        else:
            out.append(option)
    if not seen_root:
        added.update(dict.fromkeys(hosts))
        out.append(f"root={':'.join(hosts)}")
    return ",".join(out), tuple(added)
