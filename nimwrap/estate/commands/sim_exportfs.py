"""/usr/sbin/exportfs: list, export, unexport (reference aix-nim section 3.3)."""

from __future__ import annotations

import os

from nimwrap.estate import nfs
from nimwrap.estate.machine import Machine
from nimwrap.estate.nfs import ExportedDirectory


class _Request:
    """The parsed command line."""

    def __init__(self) -> None:
        self.all = self.verbose = self.undo = self.ignore_file = self.force = False
        self.options = self.directory = ""
        self.file = nfs.EXPORTS


def changes(_command: str, args: list[str]) -> bool:
    """Anything but the bare listing."""
    return any(word not in ("-v",) for word in args)


def main(me: Machine, args: list[str]) -> int:
    """Like AIX's: the listing gives each option text back as it was given."""
    request = _parse(args)
    if request is None:
        me.err("Usage: exportfs [-aviuF] [-f Exports_file] [-o Options] [-V Exported Version] [directory]\n")
        return 1
    if not request.all and not request.directory:
        me.out("".join(f"{one.line}\n" for one in nfs.table(me)))
        return 0
    with me.state.lock(f"exports-{me.name}"):
        status = _change(me, request)
        nfs.published(me)
    return status


def _change(me: Machine, request: _Request) -> int:
    if request.undo:
        return _unexport(me, request)
    if request.all:
        return max([_export(me, one, request) for one in nfs.table(me, request.file)], default=0)
    wanted = _wanted(me, request)
    if wanted is None:
        me.err(f"exportfs: {request.directory}: not found in {request.file}\n")
        return 1
    return _export(me, wanted, request)


def _parse(args: list[str]) -> _Request | None:
    request, words = _Request(), list(args)
    switches = {"a": "all", "v": "verbose", "u": "undo", "i": "ignore_file", "F": "force"}
    while words:
        word = words.pop(0)
        if not word.startswith("-"):
            request.directory = word if word == "/" else word.rstrip("/")
            continue
        for at, letter in enumerate(word[1:], 1):
            if letter in switches:
                setattr(request, switches[letter], True)
            elif letter in "ofV":
                value = word[at + 1 :] or (words.pop(0) if words else "")
                if letter == "o":
                    request.options = value
                elif letter == "f":
                    request.file = value
                break
            else:
                return None
    return request


def _wanted(me: Machine, request: _Request) -> ExportedDirectory | None:
    if request.options or request.ignore_file:
        return ExportedDirectory(request.directory, request.options)
    return nfs.entry(me, request.directory, request.file)


def _export(me: Machine, export: ExportedDirectory, request: _Request) -> int:
    if not _is_there(me, export.directory):
        me.err(f"exportfs: {export.directory}: A file or directory in the path name does not exist.\n")
        return 1
    unknown = nfs.unknown_hosts(me, export)
    if unknown:
        me.err("".join(f"exportfs: {name}: unknown host\n" for name in unknown))
        return 1
    trouble = nfs.conflict(me, export.directory)
    if trouble:
        me.err(trouble)
        return 1
    again = nfs.entry(me, export.directory) is not None
    nfs.put(me, export)
    if request.verbose:
        me.out(f"exportfs: 1831-187 re-exported {export.directory}\n" if again else f"Exported {export.directory}\n")
    return 0


def _unexport(me: Machine, request: _Request) -> int:
    directories = [one.directory for one in nfs.table(me)] if request.all else [request.directory]
    status = 0
    for directory in directories:
        if nfs.drop(me, directory):
            if request.verbose:
                me.out(f"unexported {directory}\n")
        else:
            me.err(f"exportfs: {directory}: not currently exported\n")
            status = 1
    return status


def _is_there(me: Machine, directory: str) -> bool:
    return os.path.exists(me.path(directory))
