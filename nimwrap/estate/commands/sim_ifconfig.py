"""/usr/sbin/ifconfig -a, -l or NAME: addresses in the kernel's alias order (the layout of the seed's capture)."""

from __future__ import annotations

from nimwrap.estate import net
from nimwrap.estate.machine import Machine
from nimwrap.estate.net import InterfaceAddress

_UP = "flags=1e084863,104c0<UP,BROADCAST,NOTRAILERS,RUNNING,SIMPLEX,MULTICAST,GROUPRT,64BIT,CHECKSUM_OFFLOAD(ACTIVE),LARGESEND,CHAIN>"  # noqa: E501
_LOOP = "flags=e08084b,c0<UP,BROADCAST,LOOPBACK,RUNNING,SIMPLEX,MULTICAST,GROUPRT,64BIT,LARGESEND,CHAIN>"


def main(me: Machine, args: list[str]) -> int:
    """Only the reading forms."""
    held = net.addresses(me)
    adapters = sorted({one.adapter for one in held})
    if args[:1] == ["-l"]:
        me.out(" ".join([*adapters, "lo0"]) + "\n")
        return 0
    wanted = [word for word in args if not word.startswith("-")]
    if wanted and wanted[0] not in (*adapters, "lo0"):
        me.err(f"ifconfig: 0821-003 ioctl (SIOCGIFFLAGS).: interface {wanted[0]} not found\n")
        return 1
    for adapter in adapters:
        if not wanted or wanted[0] == adapter:
            me.out(_block(adapter, [one for one in held if one.adapter == adapter]))
    if not wanted or wanted[0] == "lo0":
        me.out(
            f"lo0: {_LOOP}\n        inet 127.0.0.1 netmask 0xff000000 broadcast 127.255.255.255\n"
            "        inet6 ::1%1/128\n         tcp_sendspace 131072 tcp_recvspace 131072 rfc1323 1\n"
        )
    return 0


def _block(adapter: str, held: list[InterfaceAddress]) -> str:
    lines = [f"{adapter}: {_UP}\n"]
    for one in held:
        mask = net.number(one.mask)
        last = net.number(one.address) | (~mask & 0xFFFFFFFF)
        broadcast = ".".join(str(last >> shift & 255) for shift in (24, 16, 8, 0))
        lines.append(f"        inet {one.address} netmask {mask:#010x} broadcast {broadcast}\n")
    return "".join(lines) + "         tcp_sendspace 262144 tcp_recvspace 262144 rfc1323 1\n"
