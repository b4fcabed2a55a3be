"""/usr/bin/netstat -in (also -ni, -i, -rn, -an): in alias order (the layout of the seed's capture)."""

from __future__ import annotations

from nimwrap.estate import connections, net
from nimwrap.estate.machine import Machine

_HEADER = "Name  Mtu   Network     Address            Ipkts Ierrs    Opkts Oerrs  Coll\n"


def main(me: Machine, args: list[str]) -> int:
    """``-a`` connections, ``-i`` interfaces, ``-r`` routes; ``-n`` numbers instead of names."""
    letters = "".join(word[1:] for word in args if word.startswith("-"))
    if "a" in letters:
        me.out(_connections(me))
    elif "r" in letters:
        me.out(_routes(me))
    elif "i" in letters:
        me.out(_interfaces(me, numeric="n" in letters))
    return 0


def _interfaces(me: Machine, *, numeric: bool) -> str:
    counts = f"{81979866:>9}     0 {34796223:>8}     0     0\n"
    loop = f"{2421883:>9}     0  {2421883:>7}     0     0\n"
    text, links = _HEADER, []
    for one in net.addresses(me):
        if one.adapter not in links:
            links.append(one.adapter)
            mac = ".".join(f"{int(part, 16):x}" for part in _mac(me))
            text += f"{one.adapter:<5} 1500  {f'link#{len(links) + 1}':<11} {mac:<17}{counts}"
        network = ".".join(one.address.split(".")[:3])
        shown = one.address if numeric else (net.reverse(me, one.address) or [one.address])[0]
        text += f"{one.adapter:<5} 1500  {network:<11} {shown:<17}{counts}"
    text += f"lo0   16896 {'link#1':<11} {'':<17}{loop}"
    text += f"lo0   16896 {'127':<11} {'127.0.0.1' if numeric else 'loopback':<17}{loop}"
    return text + f"lo0   16896 {'::1%1':<11} {'':<17}{loop}"


def _connections(me: Machine) -> str:
    text = "Active Internet connections (including servers)\n"
    text += "Proto Recv-Q Send-Q  Local Address          Foreign Address        (state)\n"
    text += "tcp        0      0  *.3901                 *.*                    LISTEN\n"
    for local, foreign in connections.open_now(me):
        text += f"tcp4       0      0  {local:<22} {foreign:<22} ESTABLISHED\n"
    return text


def _mac(me: Machine) -> list[str]:
    digits = str(me.facts["mac"])
    return [digits[at : at + 2] for at in range(0, 12, 2)]


def _routes(me: Machine) -> str:
    held = net.addresses(me)
    title = "Routing tables" if me.english() else "Tables de routage"
    text = f"{title}\nDestination        Gateway           Flags   Refs     Use  If   Exp  Groups\n\n"
    text += "Route Tree for Protocol Family 2 (Internet):\n"
    text += f"{'default':<18} {me.facts['gateway']:<17} UG        1     12696 en0      -      -\n"
    for one in held:
        network = ".".join(one.address.split(".")[:3]) + "/24"
        text += f"{network:<18} {one.address:<17} U         0       639 {one.adapter}      -      -\n"
    return text + f"{'127/8':<18} {'127.0.0.1':<17} U         1      7504 lo0      -      -\n"
