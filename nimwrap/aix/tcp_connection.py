"""A TCP connection that lasts a few seconds and says nothing, by whatever a client has for it.

telnet may be taken away by a site that hardens its hosts; ksh93 comes with every AIX (bos.rte.shell) and connects by a
redirection.
"""

from __future__ import annotations

TELNET, KSH93 = "/usr/bin/telnet", "/usr/bin/ksh93"


def shell(host: str, port: int, seconds: int) -> str:
    """Shell text: a connection to ``host`` (a word of the shell) for ``seconds``; nothing where there is no tool."""
    redirection = f'"exec 3<>/dev/tcp/\\$0/{port} && sleep {seconds}"'
    return (
        f"if [ -x {TELNET} ]; then sleep {seconds} | {TELNET} {host} {port}\n"
        f"elif [ -x {KSH93} ]; then {KSH93} -c {redirection} {host}; fi"
    )
