"""The kinds of image: how each is called, made and defined, and the table of what proves it.

Not every tool prints 0512-038, not every result has a NIM resource or a header that names its host. Everything that
differs between kinds stands in :data:`KINDS`; runs, verification, retention and listing know no kind by name.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from nimwrap.aix import nim
from nimwrap.config.model import BackupPolicy
from nimwrap.domain.names import dated_name
from nimwrap.domain.ref import MASTER

BACKUP_DB = "/usr/lpp/bos.sysmgt/nim/methods/m_backup_db"  # peers section 4 (S2); the methods' directory: aix-nim 5.1
IOSCLI = "/usr/ios/cli/ioscli"
NIM_DB = "nim_db"
SAVEVG = "savevg"


@dataclass(frozen=True)
class ProofRow:
    """What proves an image of one kind.

    ``success_code``: the output must hold 0512-038; ``reader``: the command that reads the image's header
    (aix-nim section 8); ``names_host``: that header names node and machine id; ``full_reader``: ``restore -T`` reads
    all of it; ``floor_bytes``: nothing smaller can be one.
    """

    success_code: bool = True
    reader: str | None = "lsmksysb"
    names_host: bool = True
    full_reader: bool = True
    floor_bytes: int = 512


@dataclass(frozen=True)
class ImageKind:
    """``resource_type``: NIM's type, None when NIM knows no such resource; ``through_client``: a client makes it."""

    name: str
    resource_type: str | None
    extension: str
    label: str
    through_client: bool = True
    machine_types: tuple[str, ...] = ("standalone",)
    proof: ProofRow = ProofRow()


KINDS: dict[str, ImageKind] = {
    kind.name: kind
    for kind in (
        ImageKind("mksysb", "mksysb", "mksysb", ""),
        ImageKind(SAVEVG, "savevg", "savevg", "", proof=ProofRow(reader="lssavevg")),
        # What nim prints for a VIOS is in no public capture: its code is evidence when there, and not missed when not
        ImageKind(
            "ios_mksysb", "ios_mksysb", "mksysb", "", machine_types=("vios",), proof=ProofRow(success_code=False)
        ),
        ImageKind(
            "ios_backup",
            "ios_backup",
            "iosb",
            "iosb",
            machine_types=("vios",),
            proof=ProofRow(success_code=False, reader=None, names_host=False, full_reader=False, floor_bytes=1),
        ),
        ImageKind(
            NIM_DB,
            None,
            "nimdb",
            "nimdb",
            through_client=False,
            machine_types=("master",),
            proof=ProofRow(success_code=False, reader=None, names_host=False, full_reader=False, floor_bytes=1),
        ),
        ImageKind("master_mksysb", "mksysb", "mksysb", "", through_client=False, machine_types=("master",)),
    )
}

RESOURCE_TYPES: dict[str, str] = {
    "mksysb": "mksysb",
    "savevg": SAVEVG,
    "ios_mksysb": "ios_mksysb",
    "ios_backup": "ios_backup",
}
"""The kind that a NIM resource type stands for when nothing else is known about it."""


@dataclass(frozen=True)
class ImageNames:
    """Where an image goes and what its resource is called (None for kinds without one)."""

    resource: str | None
    location: str


@dataclass(frozen=True)
class KindPlan:
    """One image about to be made. ``argv`` runs on the master.

    ``preview`` asks NIM for the space and makes nothing; ``plain_locale``: mksysb itself runs here, which wants one
    locale throughout (aix-nim 6.4).
    """

    kind: ImageKind
    names: ImageNames
    argv: list[str]
    preview: list[str] | None = None
    plain_locale: bool = False

    @property
    def command(self) -> str:
        """The operation as shell text."""
        text = shlex.join(self.argv)
        return f"unset LC_ALL; LANG=C; export LANG; {text}" if self.plain_locale else text


def kinds_of(policy: BackupPolicy, client: str) -> tuple[str, ...]:
    """The kinds to make of a client: for the master those it makes of itself (the database first), else the others.

    Where none of the configured ones fits, all of them: preflight then says what is wrong.
    """
    local = client == MASTER
    fitting = [kind for kind in policy.kinds if KINDS[kind].through_client != local]
    return tuple(sorted(fitting, key=lambda kind: kind != NIM_DB)) or policy.kinds


def images_of(policy: BackupPolicy, client: str) -> list[tuple[str, str]]:
    """Each image that is made of a client: its kind, and the volume group of a savevg."""
    return [
        (kind, group)
        for kind in kinds_of(policy, client)
        for group in (policy.volume_groups if kind == SAVEVG else ("",))
    ]


def image_names(kind: str, client: str, policy: BackupPolicy, moment: datetime, volume_group: str = "") -> ImageNames:
    """The dated names of an image begun at ``moment``; with ``naming = "fixed"`` they are the temporary ones."""
    row = KINDS[kind]
    stem = "_".join(part for part in (client, volume_group, row.label) if part)
    name = dated_name(stem, moment)
    return ImageNames(name if row.resource_type else None, f"{home(client, policy)}/{name}.{row.extension}")


def home(client: str, policy: BackupPolicy) -> str:
    """The directory on the master that this client's images lie in."""
    base = policy.directory.rstrip("/")
    return f"{base}/{client}" if policy.layout == "per-client" else base


def plan(
    kind: str, client: str, policy: BackupPolicy, names: ImageNames, *, volume_group: str = "", force: bool = False
) -> KindPlan:
    """How the master makes this image; KeyError for an unknown kind, ValueError for savevg without a volume group."""
    row = KINDS[kind]
    resource, location = names.resource or "", names.location
    if kind == NIM_DB:
        return KindPlan(row, names, [BACKUP_DB, location])
    if kind == "master_mksysb":
        return KindPlan(row, names, ["mksysb", f"-{policy.mksysb_flags}", location], plain_locale=True)
    if kind == SAVEVG:
        if not volume_group:
            raise ValueError("savevg needs the name of a volume group: set volume_groups")
        make = nim.define_savevg(resource, client=client, location=location, volume_group=volume_group)
        preview = nim.define_savevg(
            resource, client=client, location=location, volume_group=volume_group, size_preview=True
        )
        return KindPlan(row, names, make, preview=preview)
    if kind in ("ios_mksysb", "ios_backup"):
        return KindPlan(row, names, nim.define_ios(resource, client=client, location=location, type_=kind, force=force))
    flags = policy.mksysb_flags
    return KindPlan(
        row,
        names,
        nim.define_mksysb(resource, client=client, location=location, flags=flags, force=force),
        preview=nim.define_mksysb(resource, client=client, location=location, flags=flags, size_preview=True),
    )


def on_client(kind: str, path: str, policy: BackupPolicy, volume_group: str = "") -> list[str]:
    """What the client itself runs to make the image at ``path``, for a mount of our own.

    VIOS commands as in peers section 4 (S9): without the media library. KeyError for kinds made on the master.
    """
    made: dict[str, Sequence[str]] = {
        "mksysb": ("mksysb", f"-{policy.mksysb_flags}", path),
        SAVEVG: ("savevg", "-i", "-f", path, volume_group),
        "ios_mksysb": (IOSCLI, "backupios", "-file", path, "-mksysb", "-nomedialib"),
        "ios_backup": (IOSCLI, "viosbr", "-backup", "-file", path),
    }
    return list(made[kind])


def defines_itself(kind: str) -> bool:
    """True when the operation leaves a resource, or NIM knows no such type; False when we define the finished file."""
    return kind != "master_mksysb"


def define_finished(kind: str, names: ImageNames) -> list[str] | None:
    """The command that makes a finished file a NIM resource, None where NIM knows no such type."""
    row = KINDS[kind]
    if row.resource_type is None or names.resource is None:
        return None
    return nim.define_existing(names.resource, location=names.location, type_=row.resource_type)
