"""/usr/bin/perl: answers the question for the kernel's source address; any other script goes to a real perl."""

from __future__ import annotations

import os

from nimwrap.estate import net
from nimwrap.estate.machine import Machine

_NAME = "._-"
_PERLS = ("/usr/bin/perl", "/usr/local/bin/perl", "/opt/homebrew/bin/perl")


def main(me: Machine, args: list[str]) -> int:
    """connect + getsockname (or IO::Socket's sockhost) asks this simulated kernel, not the build machine's."""
    script = " ".join(args)
    if "getsockname" not in script and "sockhost" not in script:
        return _real_perl(me, args)
    plain = "".join(one if one in _NAME or one.isalnum() else " " for one in script)
    for word in [*reversed(args), *plain.split()]:
        address = net.lookup(me, word)
        if address:
            me.out(f"{net.source_towards(me, address)}\n")
            if "SOCK_STREAM" in script:
                me.out(f"{net.tcp_source_towards(me, address)}\n")
            return 0
    me.err("Bad arg length for Socket::pack_sockaddr_in, length is 0, should be 4 at -e line 1.\n")
    return 255


def _real_perl(me: Machine, args: list[str]) -> int:
    for path in _PERLS:
        if os.access(path, os.X_OK):
            me.become(path, ["perl", *(me.paths.inward(word) for word in args)])
    me.err("perl: this build machine has none\n")
    return 127
