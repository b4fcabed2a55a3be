"""/usr/bin/lslpp -l, -Lc, -lc, -h PATTERN: the filesets that matter here, with their levels."""

from __future__ import annotations

from nimwrap.estate.machine import Machine

_COMMON = {
    "bos.sysmgt.nim.client": "Network Install Manager - Client Tools",
    "bos.sysmgt.sysbr": "System Backup and BOS Install Utilities",
    "perl.rte": "Perl Version 5 Runtime Environment",
    "bos.net.tcp.client_core": "TCP/IP Client Core Support",
}
_BY_ROLE = {
    "master": {
        "bos.sysmgt.nim.master": "Network Install Manager - Master Tools",
        "bos.sysmgt.nim.spot": "Network Install Manager - SPOT",
    },
    "node": {"cluster.es.server.rte": "PowerHA SystemMirror Base Server Runtime"},
}


def main(me: Machine, args: list[str]) -> int:
    """Colon form with ``c``, ``q`` leaves the header out; nothing found is 0504-132."""
    letters = "".join(word[1:] for word in args if word.startswith("-"))
    patterns = [word for word in args if not word.startswith("-")]
    found = _COMMON | _BY_ROLE.get(me.facts["role"], {})
    if patterns:
        found = {name: text for name, text in found.items() if any(_matches(one, name) for one in patterns)}
    if not found:
        me.err(f"lslpp: 0504-132  Fileset {patterns[0]} not installed.\n")
        return 1
    level = _level(me)
    state = "COMMITTED" if me.english() else "VALIDE"
    if "c" in letters:
        me.out(_colons(me, found, letters))
        return 0
    me.out(
        "  Fileset                      Level  State      Description         \n"
        "  ----------------------------------------------------------------------------\n"
        "Path: /usr/lib/objrepos\n"
    )
    for name, text in found.items():
        shown = _cluster_level(me) if name.startswith("cluster.") else level
        me.out(f"  {name:<24} {shown:>10}  {state:<10} {text}\n")
    return 0


def _colons(me: Machine, found: dict[str, str], letters: str) -> str:
    """Two layouts: ``-Lc`` and ``-lc``; ``q`` leaves the header out."""
    state = "COMMITTED" if me.english() else "VALIDE"
    header = "#Fileset:Level:PTF Id:State:Type:Description:EFIX Locked\n"
    if "L" in letters:
        header = "#Package Name:Fileset:Level:State:PTF Id:Fix State:Type:Description:Destination Dir.:Uninstaller\n"
    text = "" if "q" in letters else header
    for name, words in found.items():
        shown = _cluster_level(me) if name.startswith("cluster.") else _level(me)
        if "L" in letters:
            text += f"{name.rsplit('.', 1)[0]}:{name}:{shown}: : :C:F:{words}: : : : : :0:0:/:\n"
        else:
            text += f"/usr/lib/objrepos:{name}:{shown}::{state}:I:{words} :\n"
    return text


def _matches(pattern: str, name: str) -> bool:
    """``*`` stands for any text."""
    first, *others = pattern.split("*")
    if not others:
        return name == pattern
    last = others.pop()
    rest = name.removeprefix(first)
    if not (name.startswith(first) and rest.endswith(last)):
        return False
    rest = rest.removesuffix(last)
    for part in others:
        found = rest.find(part)
        if found < 0:
            return False
        rest = rest[found + len(part) :]
    return True


def _level(me: Machine) -> str:
    level = me.facts["oslevel"]
    return f"{level[0]}.{level[1]}.{int(level[5:7])}.{int(level[8:10])}"


def _cluster_level(me: Machine) -> str:
    version, _, pack = str(me.state.read("cluster").get("level", "7.2.5 SP2")).partition(" SP")
    return f"{version}.{pack or 0}"
