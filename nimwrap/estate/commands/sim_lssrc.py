"""/usr/bin/lssrc -s NAME, -g GROUP, -a, -ls clstrmgrES: subsystems, and the cluster manager's state."""

from __future__ import annotations

from nimwrap.estate.machine import Machine

_TABLE = "Subsystem         Group            PID          Status \n"


def main(me: Machine, args: list[str]) -> int:
    """Unknown names give 0513-085; nimsh is inoperative under ``nimsh_down``."""
    letters = "".join(word[1:] for word in args if word.startswith("-"))
    names = [word for word in args if not word.startswith("-")]
    rows = _subsystems(me)
    if "l" in letters and names[:1] == ["clstrmgrES"] and "clstrmgrES" in rows:
        me.out(cluster_manager(me))
        return 0
    if "s" in letters:
        rows = {name: row for name, row in rows.items() if name in names}
    elif "g" in letters:
        rows = {name: row for name, row in rows.items() if row[0] in names}
    if not rows:
        me.err(f"0513-085 The {names[0] if names else ''} Subsystem is not on file.\n")
        return 1
    me.out(_TABLE + "".join(_row(name, *row) for name, row in rows.items()))
    return 0


def _row(name: str, group: str, pid: int) -> str:
    if not pid:
        return f" {name:<16} {group:<29} inoperative\n"
    return f" {name:<16} {group:<16} {pid:<12} active\n"


def _subsystems(me: Machine) -> dict[str, tuple[str, int]]:
    found = {
        "inetd": ("tcpip", 2490704),
        "biod": ("nfs", 9371710),
        "rpc.statd": ("nfs", 4915606),
        "rpc.lockd": ("nfs", 11141426),
    }
    if me.facts["role"] == "master":
        up = 0 if me.fault("nfs_down") else 11403630
        found |= {"nfsd": ("nfs", up), "rpc.mountd": ("nfs", up and 6291686), "nimesis": ("nim", 7602532)}
    else:
        found["nimsh"] = ("nimclient", 0 if me.fault("nimsh_down") else 6029634)
    if me.facts["role"] == "node":
        found |= {
            "clcomd": ("caa", 6947012),
            "clconfd": ("caa", 7536862),
            "clstrmgrES": ("cluster", 14418136),
            "clevmgrdES": ("cluster", 22609998),
        }
    return found


def cluster_state(me: Machine) -> str:
    """ST_STABLE and the like, or what ``cluster_unstable`` says."""
    unstable = me.fault("cluster_unstable")
    if unstable:
        return "ST_UNSTABLE" if unstable is True else str(unstable)
    return str(me.state.read("cluster").get("state", "ST_STABLE"))


def cluster_manager(me: Machine) -> str:
    """``lssrc -ls clstrmgrES`` (reference powerha section 4.2)."""
    cluster = me.state.read("cluster")
    version, _, pack = str(cluster["level"]).partition(" SP")
    text = (
        f"Current state: {cluster_state(me)}\n"
        'sccsid = "@(#)36 1.135.1.118 src/43haes/usr/sbin/cluster/hacmprd/main.C,hacmp.pe,61haes_r725"\n'
        'build = "May  5 2021 12:09:02 2021A_hacmp725"\n'
        "i_local_nodeid 0, i_local_siteid -1, my_handle 1\n"
        "ml_idx[1]=0    ml_idx[2]=1 \n"
        "There are 0 events on the Ibcast queue\n"
        "There are 0 events on the RM Ibcast queue\n"
        f'CLversion: 21\nlocal node vrmf is {version.replace(".", "")}{pack}\ncluster fix level is "{pack}"\n'
        "The following timer(s) are currently active:\nCurrent DNP values\n"
    )
    for number, node in enumerate(cluster["nodes"], 1):
        text += f"DNP Values for NodeId - {number}  NodeName - {node}\n"
        text += "    PgSpFree = 1043876  PvPctBusy = 0  PctTotalTimeIdle = 97.120441\n"
    return text + "CAA Cluster Capabilities\nCAA Cluster services are active\nThere are 4 capabilities\n"
