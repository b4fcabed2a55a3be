"""RESTORE.txt of the master itself: what to type when there is nothing but a bare machine."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from nimwrap import __version__
from nimwrap.history.copy_row import CopyRow
from nimwrap.history.model import ImageRow
from nimwrap.images.kinds.registry import kind_of


def master_text(master: str, rows: Sequence[ImageRow], copies: Sequence[CopyRow]) -> str:
    """The whole file. ``rows``: the good images that the master has of itself; ``copies``: where they lie besides."""
    newest: dict[str, ImageRow] = {}
    for row in sorted(rows, key=lambda row: row.created, reverse=True):
        newest.setdefault(row.kind, row)
    lines = [
        f"How to have the NIM master {master} back",
        "",
        f"Written by nimwrap {__version__}. What is said here needs neither nimwrap nor its control host.",
        "RESTORE.txt in the directory of a client says how that one is restored, once the master is back.",
        "",
        *_has(newest, copies),
        "",
        *_system(next((row for row in newest.values() if kind_of(row.kind).bootable), None)),
        *_database(newest),
        "3. have the file system of the images back",
        "   lsvg; importvg -y VOLUMEGROUP hdiskN; mount /export/nim",
        "   (Where its disks are lost too: make it anew, and bring the images back from their copies into the",
        "   same directories, with the .json beside each.)",
        "4. see what NIM knows",
        "   lsnim -t mksysb; lsnim -t standalone",
        "5. on the control host, or a new one with the old configuration: have the history back",
        "   nimwrap images import",
    ]
    return "\n".join(lines) + "\n"


def _has(newest: dict[str, ImageRow], copies: Sequence[CopyRow]) -> Iterator[str]:
    if not newest:
        yield "There is no image of the master itself: it has none of the kinds for it ([clients.master])."
    for row in newest.values():
        known = row.cksum or "not known"
        yield f"{row.kind}: {row.location}, {row.size_bytes} bytes, made {row.created}, cksum {known}"
        for copy in copies:
            if copy.image == row.id:
                yield f"   copy {copy.name}: {copy.location}"


def _system(image: ImageRow | None) -> Iterator[str]:
    if image is None:
        yield "1. install AIX from its media, and on it"
        yield "   installp -agXd /dev/cd0 bos.sysmgt.nim.master bos.sysmgt.nim.spot"
        yield "   nimconfig -a pif_name=en0 -a netname=net1"
        return
    name = image.location.rpartition("/")[2]
    yield f"1. restore rootvg from {name}, which lies on a copy or on a disk that was not lost"
    yield "   (On another NIM master: define this machine there, then)"
    yield f"   nim -o define -t mksysb -a server=master -a location=/DIRECTORY/{name} {image.resource}"
    yield f"   nim -o bos_inst -a source=mksysb -a mksysb={image.resource} -a spot=SPOT -a accept_licenses=yes MACHINE"
    yield "   (Without one: put it on bootable media on any AIX of that level: mkcd, mkdvd or mksysb to tape.)"


def _database(newest: dict[str, ImageRow]) -> Iterator[str]:
    for row in newest.values():
        hint = kind_of(row.kind).restore_hint(row.location, shlex.quote(row.resource or row.location))
        if hint is not None:
            yield f"2. {hint.title}, where it is newer than that of the system"
            yield f"   {hint.command}"
            return
    yield "2. see that NIM knows its clients; define those that are missing"
