"""The source address by perl: a connected UDP socket has one and sends nothing (aix-nim section 4, powerha 7).

A kernel with several routes may choose otherwise for TCP, by which the image travels: so a TCP connection to the same
port is asked as well, for a few seconds at most, and its answer is the last one.
"""

from __future__ import annotations

import re
import shlex

from nimwrap.aix.text import Unrecognised, lines

NFS_PORT = 2049

_PROGRAM = (
    '$t=inet_aton($ARGV[0]) or die "cannot resolve $ARGV[0]\\n";'
    'socket(S,PF_INET,SOCK_DGRAM,0) or die "$!\\n";'
    f'connect(S,sockaddr_in({NFS_PORT},$t)) or die "$!\\n";'
    '($p,$h)=sockaddr_in(getsockname(S));print inet_ntoa($h),"\\n";'
    "$SIG{ALRM}=sub{exit};alarm 4;"
    "socket(T,PF_INET,SOCK_STREAM,0) or exit;"
    f"connect(T,sockaddr_in({NFS_PORT},$t)) or exit;"
    '($p,$h)=sockaddr_in(getsockname(T));print inet_ntoa($h),"\\n"'
)
_ADDRESS = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)")


def shell(master_name: str) -> str:
    """Shell text that prints the address the kernel would send from, towards the master's NFS port."""
    return shlex.join(["perl", "-MSocket", "-e", _PROGRAM, master_name])


def parse(text: str) -> str:
    """The printed address. Warnings around it (perl's about locales) are passed over."""
    found = [line.strip() for line in lines(text) if _ADDRESS.fullmatch(line.strip())]
    if not found or found[-1] == "0.0.0.0":  # noqa: S104  the text of "no address", nothing is bound here
        raise Unrecognised("perl", text)
    return found[-1]
