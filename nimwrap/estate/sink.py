"""Where an image goes: a file of this host (through a simulated mount, the server's), or a lab's real NFS client."""

from __future__ import annotations

import errno
import os

from nimwrap.estate import hooks
from nimwrap.estate.filesystems import mount_of
from nimwrap.estate.machine import Machine
from nimwrap.estate.process import start

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Sink(Protocol):
        """Takes an image portion by portion; both raise WriteError."""

        def write(self, portion: bytes) -> None: ...

        def close(self) -> None: ...


NO_SPACE = "There is not enough space in the file system."
DENIED = "The file access permissions do not allow the specified action."
STALE = "Missing file or filesystem"
TOO_LARGE = "A file cannot be larger than the value set by ulimit."
MISSING = "A file or directory in the path name does not exist."
_BY_ERRNO = {
    errno.ENOSPC: NO_SPACE,
    errno.EFBIG: TOO_LARGE,
    errno.ESTALE: STALE,
    errno.ENOENT: MISSING,
    errno.ENOTDIR: MISSING,
}
_BY_EXIT = {hooks.ACCESS: DENIED, hooks.NO_ENTRY: MISSING, hooks.SPACE: NO_SPACE, hooks.STALE: STALE}


class WriteError(Exception):
    """What the system says to a write; the text is AIX's own for the error."""


def open_sink(me: Machine, target: str) -> Sink:
    """The way to the AIX path ``target``; raises WriteError."""
    held = mount_of(me, target)
    if held and hooks.hook(me, "write"):
        return _HookSink(me, held.node, held.directory, target[len(held.over) :].lstrip("/"))
    return _FileSink(me.path(target))


class _FileSink:
    def __init__(self, path: str) -> None:
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        except OSError as error:
            raise WriteError(_aix_text(error)) from None

    def write(self, portion: bytes) -> None:
        try:
            while portion:
                portion = portion[os.write(self._file, portion) :]
        except OSError as error:
            raise WriteError(_aix_text(error)) from None

    def close(self) -> None:
        os.close(self._file)


class _HookSink:
    def __init__(self, me: Machine, node: str, directory: str, file: str) -> None:
        source, self._pipe = os.pipe()
        argv = [*hooks.hook(me, "write"), node, directory, file]
        self._child = start(argv, os.environ, cwd="/", merged=True, stdin=source)

    def write(self, portion: bytes) -> None:
        try:
            while portion:
                portion = portion[os.write(self._pipe, portion) :]
        except BrokenPipeError:
            self.close()
            raise WriteError(STALE) from None

    def close(self) -> None:
        """The program's exit tells whether all arrived."""
        if self._pipe < 0:
            return
        os.close(self._pipe)
        self._pipe = -1
        said = b""
        while data := os.read(self._child.stdout, 65536):
            said += data
        status = self._child.wait()
        if status:
            raise WriteError(_BY_EXIT.get(status, said.decode("utf-8", "replace")))


def _aix_text(error: OSError) -> str:
    return _BY_ERRNO.get(error.errno or 0, DENIED)
