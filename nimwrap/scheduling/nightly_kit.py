"""Once a night what a disaster would need is brought up to date on each master: the history, manifests, plans."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from nimwrap.copies.copy_kit import beside_copies
from nimwrap.copies.copy_plan import wanted_places
from nimwrap.copies.history_copies import directory_of, send_history
from nimwrap.copies.registry import kind_at
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.ref import MASTER, ClientRef
from nimwrap.history.run_lease import RunLease
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images.kit.kit_files import KitSource, write_scripts

if TYPE_CHECKING:
    from nimwrap.fleet.session import Session

KIND = "kit"
EVERY = timedelta(hours=20)


def keep_kits(session: Session) -> list[str]:
    """Once a night for each master with images of ours; sentences about what could not be written. Raises nothing."""
    said: list[str] = []
    now = session.clock.now()
    recent = {event.master for event in session.reader.noted(KIND, now - EVERY) if event.at <= rfc3339(now)}
    for master in session.hosts:
        if master in recent or session.clock.stop.is_set():
            continue
        try:
            if any(row.managed for row in session.reader.images(master)):
                with RunLease(session.config.state_dir, f"kit-{master}"):
                    _bring_up_to_date(session, master)
        except NimwrapError as error:
            if error.code != "locked":  # another nimwrap is at it
                said.append(f"{master}: what a restore needs is not all written: {error.message}")
    return said


def _bring_up_to_date(session: Session, master: str) -> None:
    context = session.master_context(master)
    config, now = session.config, session.clock.now()
    directory = config.policy(master, MASTER).directory
    place = send_history(context, directory_of(directory), now)
    write_kits(session, master, list(dict.fromkeys(row.ref for row in session.reader.images(master))))
    context.note(None, KIND, f"the history is copied to {place}", at=now)


def write_kits(session: Session, master: str, refs: list[ClientRef]) -> None:
    """Write all that lies beside the images of these clients of a master and beside their copies."""
    context, config = session.master_context(master), session.config
    source = KitSource(config, session.reader, session.clock.now())
    files: dict[str, str] = {}
    for ref in refs:
        files |= source.beside_images(ref)
    files |= source.of_master(master, config.policy(master, MASTER).directory)
    for script in write_scripts(files):
        context.host.run(PREAMBLE + script, timeout=600)
    for ref, places in wanted_places(config, refs).items():
        for each in places:
            kind = kind_at(each)
            if kind.looks and (beside := beside_copies(source, ref, each)):
                context.host.run(PREAMBLE + kind.write(config.masters.get(each.to), beside), timeout=600)
