"""NFSv3 in user space: MOUNT and WRITE by libnfs, from whatever address this host's kernel takes."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import re

PORTION = 65536
EXITS = {errno.EACCES: 13, errno.EPERM: 13, errno.EROFS: 13, errno.ENOENT: 2, errno.ENOSPC: 28, errno.ESTALE: 70}
"""The exits that the estate's hooks know (nimwrap.estate.hooks), by the server's answer."""
_NO_ANSWER = 110


class NfsError(Exception):
    """What the server answered, or that nobody did; ``exit`` is the hook's status for it."""

    def __init__(self, text: str, number: int) -> None:
        super().__init__(text)
        away = r"not available|not reachable|refused|unreachable|timed out|No route"
        unreachable = re.search(away, text, re.IGNORECASE)
        self.exit = EXITS.get(number, _NO_ANSWER if unreachable else 1)


class Mounted:
    """A mount of ``directory`` of the server; raises NfsError when the server refuses it."""

    def __init__(self, server: str, directory: str) -> None:
        self._library = library = ctypes.CDLL("libnfs.so.13")
        pointer = ctypes.c_void_p
        library.nfs_init_context.restype = pointer
        library.nfs_get_error.restype = ctypes.c_char_p
        library.nfs_get_error.argtypes = [pointer]
        library.nfs_mount.argtypes = [pointer, ctypes.c_char_p, ctypes.c_char_p]
        library.nfs_creat.argtypes = [pointer, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(pointer)]
        library.nfs_write.argtypes = [pointer, pointer, ctypes.c_uint64, ctypes.c_char_p]
        library.nfs_close.argtypes = [pointer, pointer]
        self._context = pointer(library.nfs_init_context())
        self._handle = pointer()
        self._check(library.nfs_mount(self._context, server.encode(), os.fsencode(directory)))

    def _check(self, status: int) -> int:
        if status < 0:
            text = (self._library.nfs_get_error(self._context) or b"no reason given").decode("utf-8", "replace")
            raise NfsError(text, -status)
        return status

    def create(self, name: str) -> None:
        """Begin a new, empty file of this name, or empty the old one."""
        path = os.fsencode(f"/{name}")
        self._check(self._library.nfs_creat(self._context, path, 0o644, ctypes.byref(self._handle)))

    def write(self, data: bytes) -> None:
        """All of ``data`` at the file's end."""
        while data:
            done = self._library.nfs_write(self._context, self._handle, min(len(data), PORTION), data)
            data = data[self._check(done) :]

    def close(self) -> None:
        """End the file; what was written is on the server already."""
        with contextlib.suppress(NfsError):
            self._check(self._library.nfs_close(self._context, self._handle))
