"""Between AIX's paths and a host's tree: scripts are rewritten on their way in, output on its way out.

Inside a host every path is real (it starts with the host's tree), so that pipes, variables and files written by a
script stay consistent; only at the borders (the shell, NIM's channel, a command's own texts) it is translated.
With an empty root (the tree is the machine's real root, as in the network lab) nothing is changed.
Regular expressions would do, but loading them costs each simulated command more than all else that it does.
"""

from __future__ import annotations

import os

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
_HOST_NAME = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"


class Paths:
    """Translates for one host whose tree stands at ``root`` below ``base``/hosts; ``tops`` adds first steps."""

    def __init__(self, root: str, base: str, tops: tuple[str, ...] = ()) -> None:
        self.root = root
        self._hosts = f"{base}/hosts/"
        self._tops = {*TOPS, *tops}

    def inward(self, text: str) -> str:
        """``text`` with AIX paths turned into paths of this host's tree; what is in a tree already stays."""
        if not self.root:
            return text
        pieces, done = [], 0
        at = text.find("/")
        while at >= 0:
            if self._begins_path(text, at):
                pieces += [text[done:at], self.root]
                done = at
            at = text.find("/", at + 1)
        return "".join([*pieces, text[done:]])

    def _begins_path(self, text: str, at: int) -> bool:
        """True for the slash at ``at`` when an AIX path begins there."""
        end = at + 1
        while end < len(text) and (text[end].isalnum() or text[end] in "_.-"):
            end += 1
        if text[at + 1 : end] not in self._tops or text.startswith(self._hosts, at):
            return False
        before = text[at - 1 : at]
        if _is_word(before) or before in tuple("./})*"):
            return False  # inside a longer path, or after an expansion
        quoted = text[at - 2 : at - 1] if before in ('"', "'") else ""
        return not (_is_word(quoted) or quoted == "}")

    def outward(self, text: str) -> str:
        """``text`` with every host tree's prefix taken away."""
        if self._hosts not in text or not self.root:
            return text
        return os.fsdecode(_outward(os.fsencode(self._hosts), os.fsencode(text)))

    @property
    def prefix(self) -> str:
        """What :meth:`outward` takes away, with the name of a host after it; empty where nothing is rewritten."""
        return self._hosts if self.root else ""

    def stripper(self) -> Stripper:
        """A filter for a stream of bytes that does what :meth:`outward` does."""
        return Stripper(self.prefix)


def _is_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def _outward(hosts: bytes, data: bytes) -> bytes:
    """``data`` with each ``hosts``NAME and ``hosts``NAME/ replaced by a slash."""
    pieces, done = [], 0
    at = data.find(hosts)
    while at >= 0:
        name = at + len(hosts)
        end = len(data) - len(data[name:].lstrip(_HOST_NAME))
        if end > name:
            pieces.append(data[done:at] + b"/")
            done = name = end + data.startswith(b"/", end)
        at = data.find(hosts, name)
    return b"".join([*pieces, data[done:]])


class Stripper:
    """Takes the prefix of host trees out of a byte stream; holds back only what may be the start of one."""

    def __init__(self, hosts: str) -> None:
        self._hosts = os.fsencode(hosts)
        self._rest = b""

    def feed(self, data: bytes) -> bytes:
        """What can be passed on after ``data`` came in."""
        if not self._hosts:
            return data
        data = self._rest + data
        keep = self._held_back(data)
        self._rest = data[len(data) - keep :] if keep else b""
        return _outward(self._hosts, data[: len(data) - keep])

    def flush(self) -> bytes:
        """The held-back rest at the end of the stream."""
        rest, self._rest = self._rest, b""
        return _outward(self._hosts, rest) if self._hosts else rest

    def _held_back(self, data: bytes) -> int:
        cut = self._unfinished(data)
        if cut >= 0:
            return len(data) - cut
        for length in range(min(len(self._hosts) - 1, len(data)), 0, -1):
            if data.endswith(self._hosts[:length]):
                before = self._unfinished(data[:-length])  # the slash may belong to the tree just before it
                return len(data) - (before if before >= 0 else len(data) - length)
        return 0

    def _unfinished(self, data: bytes) -> int:
        """Where a tree's prefix begins whose host's name reaches to the end of ``data``; -1 where none does."""
        at = data.rfind(self._hosts)
        return -1 if at < 0 or data[at + len(self._hosts) :].lstrip(_HOST_NAME) else at
