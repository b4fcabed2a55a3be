"""The kit of a client: which files lie beside its images, and the shell text that writes them.

It is written anew after each backup, with each copy, and every night; a file that could not be written follows then.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath

from nimwrap.config.model import Config
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.ref import MASTER, ClientRef
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.installation import installation_id
from nimwrap.history.model import ImageRow
from nimwrap.history.ports import Queries
from nimwrap.images.kinds.registry import home
from nimwrap.images.kit.kit_names import RESTORE, manifest_path
from nimwrap.images.kit.manifest import ImageOrigin, manifest_text
from nimwrap.images.kit.master_text import master_text
from nimwrap.images.restore.plan_text import OtherPlace, restore_text
from nimwrap.images.restore.restore_plan import restore_plan
from nimwrap.images.restore.restore_request import bootable, good_images, restore_request
from nimwrap.master_context import MasterContext

KitFiles = Mapping[str, str]
"""Texts by the path that they are written to."""
_SCRIPT_LIMIT = 200_000


@dataclass(frozen=True)
class KitSource:
    """What kits are made from."""

    config: Config
    queries: Queries
    now: datetime

    def origins(self, rows: Sequence[ImageRow]) -> dict[int, ImageOrigin]:
        """By whom each image was made; the flags as its attempt had them, else as they are configured now."""
        installation = installation_id(self.config.state_dir)
        flags: dict[str, str] = {}
        for attempt in self.queries.attempts(sorted({row.run for row in rows if row.run})):
            if attempt.plan:
                flags[attempt.run] = json.loads(attempt.plan).get("flags", "")
        return {
            row.id: ImageOrigin(
                installation,
                flags.get(row.run or "", self.config.policy(row.master, row.client).mksysb_flags),
            )
            for row in rows
        }

    def beside_images(self, ref: ClientRef) -> dict[str, str]:
        """The files beside the images of a client that are nimwrap's, and the plan in its directory."""
        rows = [row for row in self.queries.images(ref.master, ref.client) if row.managed and row.removal is None]
        origins = self.origins(rows)
        files = {manifest_path(row.location): manifest_text(row, origins[row.id]) for row in rows}
        policy = self.config.policy(ref.master, ref.client)
        own = home(ref.client, policy)
        name = RESTORE if policy.layout == "per-client" else f"{ref.client}.{RESTORE}"
        if ref.client == MASTER:
            files |= self.of_master(ref.master, policy.directory)
        elif good := good_images([row for row in bootable(self.queries, ref) if row.managed]):
            files[f"{own}/{name}"] = self.plan(good[0], self.elsewhere(ref))
        return files

    def of_master(self, master: str, directory: str) -> dict[str, str]:
        """What to type on a bare machine to have the master back, at the top of all images."""
        rows = good_images(self.queries.images(master, MASTER))
        copies = [copy for copy in self.queries.copies(master, MASTER) if copy.made]
        return {f"{directory.rstrip('/')}/{RESTORE}": master_text(master, rows, copies)}

    def elsewhere(self, ref: ClientRef) -> list[OtherPlace]:
        """Where proven copies of the client's images lie."""
        return [
            OtherPlace(PurePosixPath(copy.location).name, f"{place_text(self.config, copy)}, proven {copy.verified_at}")
            for copy in self.queries.copies(ref.master, ref.client)
            if copy.made and copy.state == "ok"
        ]

    def plan(self, row: ImageRow, others: Iterable[OtherPlace] = (), kept_on: str = "") -> str:
        """The restore plan of one image as it stands in the history, on paper. ``kept_on``: as in the request."""
        request = restore_request(self.queries, row, None, self.now)
        request = replace(request, on_paper=True, kept_on=kept_on)
        return restore_text(restore_plan(request, None), others)


def kit_text(context: MasterContext, client: str) -> str:
    """Shell text that writes the kit of a client; empty where the history cannot tell it."""
    source = KitSource(context.config, context.queries, context.clock.now())
    try:
        return write_text(source.beside_images(ClientRef(context.master.name, client)))
    except NimwrapError:
        return ""


def place_text(config: Config, copy: CopyRow) -> str:
    """Where a copy lies, for people."""
    place = config.copies.get(copy.name)
    if place is not None and place.to:
        return f"{copy.location} on the NIM master {place.to}"
    if copy.location.startswith("/"):
        return f"{copy.location} on {copy.master}"
    return f"{copy.location}, by {' '.join(place.fetch or place.store) if place else copy.name}"


def write_text(files: KitFiles) -> str:
    """Shell text that writes the files whole or not at all; silent, and its status tells nothing."""
    return "".join(_written(path, text) for path, text in files.items())


def write_scripts(files: KitFiles) -> list[str]:
    """The same as few texts, none of them too long for one call."""
    scripts = [""]
    for path, text in files.items():
        one = _written(path, text)
        if scripts[-1] and len(scripts[-1]) + len(one) > _SCRIPT_LIMIT:
            scripts.append("")
        scripts[-1] += one
    return scripts if scripts[0] else []


def _written(path: str, text: str) -> str:
    """Only where the directory is there: a kit makes none."""
    place, directory = shlex.quote(path), shlex.quote(str(PurePosixPath(path).parent))
    draft = shlex.quote(f"{path}.part")
    return f"""\
[ -d {directory} ] && {{ cat > {draft} <<'NIMWRAP_KIT' && mv -f {draft} {place} || rm -f {draft}; }} 2>/dev/null
{text}NIMWRAP_KIT
"""
