"""Hook ``exports`` (MASTER): nfs-ganesha's exports are made from /etc/xtab, and the server takes them over at once.

Names are resolved as the server itself would; ``root=`` lets an admitted client be root, everybody else's root is
nobody. The server reads its exports anew on SIGHUP and says so in its log. With ``--write`` it only makes the file.
"""

from __future__ import annotations

import os
import signal
import sys
import time

sys.path.insert(0, "/.lab/code")
from nimwrap.estate import net, nfs
from nimwrap.estate.machine import Machine

PLACE = "/.base/ganesha"
DONE = b"Reread exports complete"
LIMIT_S = 5.0
CORE = """\
NFS_CORE_PARAM { Protocols = 3; NFS_Port = 2049; MNT_Port = 20048; Enable_NLM = false; Enable_RQUOTA = false; }
LOG { Default_Log_Level = EVENT; }
"""


def configuration(me: Machine) -> str:
    """The server's whole configuration for what the table of exports says now."""
    text = CORE
    for one in nfs.table(me):
        numbers = me.state.read("ganesha")
        numbers.setdefault(one.directory, len(numbers) + 1)
        me.state.write("ganesha", numbers)
        text += export(me, one, numbers[one.directory])
    return text


def export(me: Machine, one: nfs.ExportedDirectory, number: int) -> str:
    """One EXPORT block: with a list, only the hosts on it come in."""
    lists = [hosts for key in ("access", "rw", "ro") if (hosts := one.hosts(key)) is not None]
    admitted = clients(me, [host for hosts in lists for host in hosts])
    roots = clients(me, one.hosts("root") or [])
    writers, readers = clients(me, one.hosts("rw") or []), clients(me, one.hosts("ro") or [])
    blocks = ""
    for place in sorted(admitted if lists else roots):
        write = place in writers if one.hosts("rw") is not None else place not in readers
        squash = "No_Root_Squash" if place in roots else "Root_Squash"
        rights = f"Access_Type = {access(one, write)}; Squash = {squash};"
        blocks += f"  CLIENT {{ Clients = {place}; Protocols = 3; {rights} }}\n"
    anybody = "NONE" if lists else access(one, True)
    return (
        f"EXPORT {{\n  Export_Id = {number}; Path = {one.directory}; Pseudo = /export{number};\n"
        f"  Access_Type = {anybody}; Squash = Root_Squash; Protocols = 3; Transports = TCP; SecType = sys;\n"
        f"  FSAL {{ Name = VFS; }}\n{blocks}}}\n"
    )


def access(one: nfs.ExportedDirectory, may_write: bool) -> str:
    return "RW" if may_write and not one.flag("ro") else "RO"


def clients(me: Machine, hosts: list[str]) -> set[str]:
    """Hosts of a list as ganesha takes them: addresses, networks, or everybody."""
    found = set()
    for host in hosts:
        if host == "*":
            found.add("*")
        elif host.startswith("@"):
            network, _, bits = host[1:].partition("/")
            found.add(f"{network}{'.0' * (3 - network.count('.'))}/{bits or 24}")
        elif address := net.lookup(me, host):
            found.add(address)
    return found


def follow(seen: int) -> None:
    """Wait until the server has taken the new exports over; one that is stopped takes them when it goes on."""
    pid = server()
    if pid is None:
        return
    os.kill(pid, signal.SIGHUP)
    until = time.monotonic() + LIMIT_S
    while time.monotonic() < until and not is_stopped(pid):
        with open(f"{PLACE}/log", "rb") as log:
            log.seek(seen)
            if DONE in log.read():
                return
        time.sleep(0.01)


def server() -> int | None:
    try:
        with open(f"{PLACE}/pid", encoding="utf-8") as file:
            pid = int(file.read())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return pid


def is_stopped(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] in "TZ"
    except OSError:
        return True


def main() -> None:
    me = Machine("")
    with me.state.lock("ganesha-reread"):
        with open(f"{PLACE}/conf.new", "w", encoding="utf-8") as file:
            file.write(configuration(me))
        os.replace(f"{PLACE}/conf.new", f"{PLACE}/conf")
        if "--write" not in sys.argv:
            follow(os.path.getsize(f"{PLACE}/log") if os.path.exists(f"{PLACE}/log") else 0)


main()
