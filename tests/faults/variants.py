"""What a client and its channel may be like, and what every act came to there: kept in variants.json, for the docs.

As in results.py a test confirms its row, and NIMWRAP_RECORD_FAULTS=1 writes it anew.
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import dataclass
from typing import Any

from tests.faults.results import HERE, RECORDING, between

STORED = HERE / "variants.json"
BEGIN, END = "<!-- variant table: made by python -m tests.faults -->", "<!-- end of the variant table -->"

ACTS = ("check", "nim", "own-mount", "pre-export", "cancel", "timeout", "recover", "verify")
"""The columns: ``nim`` is a backup without a remedy; cancel, timeout and recover are those of an own-mount."""
SMALLEST = "\"'$\\\n<|(){}[]*#%&?!~^`@"
"""What a channel may lose and must still do, with 256 bytes a call."""


@dataclass(frozen=True)
class Variant:
    """``switches`` are the estate's, set on every client; ``refused``: nothing can be begun, which must be said."""

    words: str
    switches: dict[str, Any]
    refused: bool = False


def _without(characters: str, named: str) -> Variant:
    return Variant(f"c_rsh loses {named}", {"channel_without": characters})


_COUNTED = {
    f"{switch.removeprefix('channel_')}-{size}": Variant(words.format(size), {switch: size})
    for switch, words, sizes in (
        ("channel_cut", "c_rsh cuts at {} bytes", (2048,)),
        ("channel_refuse", "c_rsh refuses more than {} bytes", (1024, 512)),
    )
    for size in sizes
}
_LOST = {
    "double-quotes": _without('"', "double quotes"),
    "both-quotes": _without("\"'", "both quotes"),
    "dollars": _without("$\\|<", "`$`, `\\`, pipes and `<`"),
    "ampersands": _without("&", "`&`"),
    "semicolons": _without(";(){}[]*", "`;`, brackets and stars"),
}
_SHAPES = {
    "wrapped": Variant("c_rsh wraps the text in one more shell", {"channel_wrapped": True}),
    "one-line": Variant("c_rsh makes one line of it", {"channel_one_line": True}),
    "merged": Variant("more than 1024 bytes are refused on stdout", {"channel_merged": True, "channel_refuse": 1024}),
    "status-hidden": Variant(
        "more than 1024 bytes are refused with status 0", {"channel_status_hidden": True, "channel_refuse": 1024}
    ),
    "smallest": Variant(
        "256 bytes a call and none of `\" ' $ \\ < | & ( ) { } [ ] *`",
        {"channel_without": SMALLEST, "channel_refuse": 256},
    ),
    "refuse-200": Variant("c_rsh refuses more than 200 bytes", {"channel_refuse": 200}, refused=True),
    "methods-only": Variant("c_rsh runs NIM's methods only", {"channel_methods_only": True}, refused=True),
    "methods-only-ssh": Variant(
        "c_rsh runs NIM's methods only, ssh is open", {"channel_methods_only": True, "ssh_to_clients": True}
    ),
}
_SURVIVAL = {
    "group-ended": Variant("the request's process group is ended with it", {"channel_group_ended": True}),
    "group-ended-no-perl": Variant("the same, no perl", {"channel_group_ended": True, "no_perl": True}),
    "no-background": Variant("nothing lives on after a request", {"channel_no_background": True}),
    "only-held": Variant("the same, and `at` is forbidden", {"channel_no_background": True, "no_at": True}),
    "narrow-and-ended": Variant(
        "512 bytes a call, the group is ended, no perl",
        {"channel_refuse": 512, "channel_group_ended": True, "no_perl": True},
    ),
    "smallest-and-held": Variant(
        "the smallest channel, nothing lives on, `at` is forbidden",
        {"channel_without": SMALLEST, "channel_refuse": 256, "channel_no_background": True, "no_at": True},
    ),
}
_LOGINS = {
    "posh-narrow": Variant(
        "root's shell is posh, 512 bytes a call", {"root_shell": "/usr/bin/posh", "channel_refuse": 512}
    ),
    "csh": Variant("root's shell is csh", {"root_shell": "/bin/csh"}),
    "umask-077": Variant("root's umask is 077", {"root_umask": "077"}),
    "mksh": Variant("root's shell is mksh, no perl", {"root_shell": "/usr/bin/mksh", "no_perl": True}),
    "neither": Variant("neither perl nor traceroute", {"no_perl": True, "no_traceroute": True}),
    "french": Variant("a French locale", {"french_locale": True}),
}
VARIANTS: dict[str, Variant] = {
    "plain": Variant("a plain channel", {}),
    **_COUNTED,
    **_LOST,
    **_SHAPES,
    **_SURVIVAL,
    **_LOGINS,
}
"""Every variant of the table, in its order."""


def confirm_variant(name: str, cells: dict[str, str]) -> None:
    """The row of the variant is what was found; AssertionError else."""
    assert list(cells) == list(ACTS)
    if not os.environ.get(RECORDING):
        assert stored_variants().get(name) == cells, f"{name}: not what docs/reliability.md says"
        return
    with (HERE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = stored_variants() | {name: cells}
        ordered = {one: rows[one] for one in VARIANTS if one in rows}
        STORED.write_text(json.dumps(ordered, indent=1) + "\n")


def stored_variants() -> dict[str, dict[str, str]]:
    return dict(json.loads(STORED.read_text())) if STORED.exists() else {}


def variant_table() -> str:
    """The table as Markdown."""
    lines = [f"| variant | {' | '.join(ACTS)} |", "|" + "---|" * (len(ACTS) + 1)]
    for name, cells in stored_variants().items():
        words = VARIANTS[name].words.replace("|", "\\|")
        lines.append(f"| {words} | {' | '.join(cells[act] for act in ACTS)} |")
    return "\n".join(lines)


def with_variants(document: str) -> str:
    """``document`` with the table between its marks replaced."""
    return between(document, (BEGIN, END), variant_table())
