"""What a kind of image is. Everything that differs between kinds is said by its object; nobody else knows one by name.

Not every tool prints 0512-038, not every result has a NIM resource or a header that names its host.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nimwrap.aix import lsmksysb, nim
from nimwrap.config.model import BackupPolicy


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


OPAQUE = ProofRow(success_code=False, reader=None, names_host=False, full_reader=False, floor_bytes=1)
"""Of a file that only its own tool can read: return code, existence, and a resource where there is one."""


@dataclass(frozen=True)
class ImageNames:
    """Where an image goes and what its resource is called (None for kinds without one)."""

    resource: str | None
    location: str


@dataclass(frozen=True)
class ImageOrder:
    """One image about to be made. ``force`` switches NIM's space check off."""

    client: str
    policy: BackupPolicy
    names: ImageNames
    volume_group: str = ""
    force: bool = False


@dataclass(frozen=True)
class Making:
    """How the master makes an image. ``preview`` asks NIM for the space and makes nothing.

    ``plain_locale``: mksysb itself runs here, which wants one locale throughout (aix-nim 6.4).
    """

    argv: Sequence[str]
    preview: Sequence[str] | None = None
    plain_locale: bool = False

    @property
    def command(self) -> str:
        """The operation as shell text."""
        text = shlex.join(self.argv)
        return f"unset LC_ALL; LANG=C; export LANG; {text}" if self.plain_locale else text


@dataclass(frozen=True)
class RestoreHint:
    """How an image that is not booted from is brought back, beside the system."""

    title: str
    command: str
    note: str


class ImageKind:
    """One kind, stateless. The attributes are what holds for most; a kind says what is otherwise with it.

    ``resource_type``: NIM's type, None when NIM knows no such resource. ``through_client``: a client makes it, of one
    of ``machine_types``. ``several``: one for each volume group. ``defines_itself``: the operation leaves a resource,
    or NIM knows no such type. ``fixed_name``: it can have the name that recovery papers know. ``first``: made before
    the night's other images, which change what it saves. ``bootable``: a client is installed from it. ``programs``:
    what its making is called in a client's process table. ``master_tool``: what the master itself runs.
    """

    name: str
    resource_type: str | None
    extension: str = "mksysb"
    label: str = ""
    proof: ProofRow = ProofRow()
    through_client: bool = True
    machine_types: Sequence[str] = ("standalone",)
    several: bool = False
    defines_itself: bool = True
    fixed_name: bool = False
    first: bool = False
    bootable: bool = False
    programs: Collection[str] = ()
    master_tool: str = ""

    def making(self, order: ImageOrder) -> Making:
        """How the master makes it; ValueError for an order that lacks something."""
        raise NotImplementedError

    def on_client(self, order: ImageOrder, path: str) -> list[str]:
        """What the client itself runs to make it at ``path``, for a mount of our own; only of ``through_client``."""
        raise NotImplementedError

    def stem(self, client: str, volume_group: str = "") -> str:
        """Its name without the date."""
        return "_".join(part for part in (client, volume_group, self.label) if part)

    def define(self, names: ImageNames) -> list[str] | None:
        """The command that makes a finished file a NIM resource, None where NIM knows no such type."""
        if self.resource_type is None or names.resource is None:
            return None
        return nim.define_existing(names.resource, location=names.location, type_=self.resource_type)

    def header_shell(self, location: str) -> str:
        """Shell text that prints the image's header."""
        return shlex.join(lsmksysb.argv(location))

    @property
    def owner_type(self) -> str:
        """The NIM type whose objects may own its file, so that it must not be removed from below them."""
        return self.resource_type or "mksysb"

    def restore_hint(self, location: str, name: str) -> RestoreHint | None:
        """How it is brought back once the system is there; None where that is said elsewhere, or nothing is to do."""
        return None
