"""Between AIX's paths and a host's tree: scripts are rewritten on their way in, output on its way out.

Inside a host every path is real (it starts with the host's tree), so that pipes, variables and files written by a
script stay consistent; only at the borders (the shell, NIM's channel, a command's own texts) it is translated.
With an empty root (the tree is the machine's real root, as in the network lab) nothing is changed.
"""

from __future__ import annotations

import os
import re

TOPS = (
    "usr",
    "etc",
    "export",
    "var",
    "tmp",
    "nim",
    "home",
    "admin",
    "opt",
    "sbin",
    "bin",
    "mnt",
    "audit",
    "image.data",
    "bosinst.data",
)
"""First steps of the AIX paths that are rewritten; /dev and /proc are left alone."""


class Paths:
    """Translates for one host whose tree stands at ``root`` below ``base``/hosts; ``tops`` adds first steps."""

    def __init__(self, root: str, base: str, tops: tuple[str, ...] = ()) -> None:
        self.root = root
        self._hosts = f"{base}/hosts/"
        names = "|".join(re.escape(top) for top in (*TOPS, *tops))
        self._in = re.compile(
            r"(?<![\w./})*])(?<![\w}][\"'])"  # not inside a longer path or after an expansion
            rf"(?!{re.escape(self._hosts)})(?=/(?:{names})(?![\w.-]))"
        )
        self._out = re.compile(re.escape(self._hosts) + r"[A-Za-z0-9_-]+(/?)")

    def inward(self, text: str) -> str:
        """``text`` with AIX paths turned into paths of this host's tree; what is in a tree already stays."""
        return self._in.sub(self.root.replace("\\", r"\\"), text) if self.root else text

    def outward(self, text: str) -> str:
        """``text`` with every host tree's prefix taken away."""
        return self._out.sub("/", text) if self.root else text

    def stripper(self) -> Stripper:
        """A filter for a stream of bytes that does what :meth:`outward` does."""
        return Stripper(self._hosts if self.root else "")


class Stripper:
    """Takes the prefix of host trees out of a byte stream; holds back only what may be the start of one."""

    def __init__(self, hosts: str) -> None:
        self._hosts = os.fsencode(hosts)
        self._rest = b""
        self._whole = re.compile(re.escape(self._hosts) + rb"[A-Za-z0-9_-]+(/?)")
        self._cut = re.compile(re.escape(self._hosts) + rb"[A-Za-z0-9_-]*\Z")

    def feed(self, data: bytes) -> bytes:
        """What can be passed on after ``data`` came in."""
        if not self._hosts:
            return data
        data = self._rest + data
        keep = self._held_back(data)
        self._rest = data[len(data) - keep :] if keep else b""
        return self._whole.sub(b"/", data[: len(data) - keep])

    def flush(self) -> bytes:
        """The held-back rest at the end of the stream."""
        rest, self._rest = self._rest, b""
        return self._whole.sub(b"/", rest) if self._hosts else rest

    def _held_back(self, data: bytes) -> int:
        cut = self._cut.search(data)
        if cut:
            return len(data) - cut.start()
        for length in range(min(len(self._hosts) - 1, len(data)), 0, -1):
            if data.endswith(self._hosts[:length]):
                before = self._cut.search(data[:-length])  # the slash may belong to the tree just before it
                return len(data) - before.start() if before else length
        return 0
