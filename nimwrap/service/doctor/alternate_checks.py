"""An alternate master (HANIM): which one is active, and what a takeover means for what nimwrap does.

What NIM copies to the other one (``nim -o sync``) are its objects; the images of clients only where they are replicated
(``-a replicate=yes``). Nothing public says how ``lsnim`` shows an active master after a takeover: the two signs that
are read here are the type ``alternate_master`` of a machine, and ``is_alternate`` of the master's own object.
"""

from __future__ import annotations

from collections.abc import Iterator

from nimwrap.aix import lsnim
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import named, ok, warn

TYPE = "alternate_master"


def alternate_checks(
    name: str, itself: lsnim.NimObject | None, rows: list[lsnim.TableRow], known: frozenset[str]
) -> Iterator[Finding]:
    """Nothing where there is no alternate master; ``known`` are the configuration's masters, by name and host."""
    check = f"alternate:{name}"
    if itself is not None and (itself.first("is_alternate") or "").lower() == "yes":
        yield named(
            check,
            warn(
                "is an alternate master: its clients belong to the active one, and are refused here (client_identity)"
                " until a takeover has given them to it",
                "keep the schedules of the active master; after nim -o takeover here those of this one work",
            ),
        )
        return
    for row in rows:
        if row.type != TYPE:
            continue
        if row.name in known:
            yield named(
                check, ok(f"its alternate master {row.name} is configured, too: after a takeover it goes on there")
            )
            continue
        yield named(
            check,
            warn(
                f"NIM has an alternate master {row.name} that nimwrap does not know: after a takeover every client is"
                " refused here (client_identity), and backed up nowhere",
                f"add [masters.{row.name}] and schedules for it: while it is not active, its clients are refused there."
                " Images lie where they were made, unless nim -o sync -a replicate=yes takes them along",
            ),
        )
