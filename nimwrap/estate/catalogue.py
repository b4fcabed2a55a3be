"""Which executables a host has, by its role: AIX path to command module, and the build machine's POSIX tools."""

from __future__ import annotations

_EVERYWHERE = {
    "/usr/bin/hostname": "uname",
    "/usr/bin/uname": "uname",
    "/usr/bin/host": "host",
    "/usr/bin/df": "df",
    "/usr/bin/oslevel": "oslevel",
    "/usr/bin/lslpp": "lslpp",
    "/usr/bin/lssrc": "lssrc",
    "/usr/bin/perl": "perl",
    "/usr/bin/netstat": "netstat",
    "/usr/bin/traceroute": "traceroute",
    "/usr/bin/telnet": "telnet",
    "/usr/bin/ksh93": "ksh93",
    "/usr/sbin/route": "route",
    "/usr/bin/mksysb": "mksysb",
    "/usr/bin/savevg": "mksysb",
    "/usr/bin/lsmksysb": "lsmksysb",
    "/usr/bin/lssavevg": "lsmksysb",
    "/usr/bin/listvgbackup": "lsmksysb",
    "/usr/bin/showmount": "showmount",
    "/usr/bin/ps": "ps",
    "/usr/bin/id": "id",
    "/usr/bin/getconf": "getconf",
    "/usr/bin/sudo": "sudo",
    "/usr/bin/at": "at",
    "/usr/sbin/ifconfig": "ifconfig",
    "/usr/sbin/mount": "mount",
    "/usr/sbin/umount": "umount",
    "/usr/sbin/unmount": "umount",
    "/usr/sbin/lsvg": "lsvg",
    "/usr/sbin/lspv": "lspv",
    "/usr/sbin/lsattr": "lsattr",
    "/usr/sbin/lsfs": "lsfs",
    "/usr/sbin/fuser": "fuser",
    "/usr/sbin/restore": "restore",
    "/usr/sbin/alt_disk_mksysb": "alt_disk_mksysb",
    "/usr/sbin/alt_rootvg_op": "alt_rootvg_op",
}
_METHODS = "/usr/lpp/bos.sysmgt/nim/methods"
_MASTER = {
    "/usr/sbin/nim": "nim",
    "/usr/sbin/lsnim": "lsnim",
    "/usr/sbin/exportfs": "exportfs",
    f"{_METHODS}/c_rsh": "c_rsh",
    "/usr/bin/ssh": "ssh",
    f"{_METHODS}/m_backup_db": "m_backup_db",
}
_CLIENT = {f"{_METHODS}/c_mkbosi": "c_mkbosi"}
_UTILITIES = "/usr/es/sbin/cluster/utilities"
CLUSTER = {
    f"{_UTILITIES}/clRGinfo": "clrginfo",
    f"{_UTILITIES}/cllsif": "cllsif",
    f"{_UTILITIES}/clmgr": "clmgr",
    f"{_UTILITIES}/halevel": "halevel",
}
"""PowerHA's tools: the switch ``powerha_tools_missing`` takes these away."""
_VIOS = {"/usr/ios/cli/ioscli": "ioscli"}

TOOLS = (
    "cat",
    "ls",
    "grep",
    "egrep",
    "sed",
    "awk",
    "sort",
    "uniq",
    "cut",
    "tr",
    "wc",
    "head",
    "tail",
    "od",
    "cksum",
    "openssl",
    "date",
    "sleep",
    "kill",
    "nohup",
    "test",
    "expr",
    "find",
    "xargs",
    "env",
    "sh",
    "printf",
)
"""The tools that INTERFACE section 6 allows, as links to the build machine's own."""

CHANGING_TOOLS = ("rm", "mv", "cp", "mkdir", "rmdir", "chmod", "ln", "touch", "tee", "dd")
"""The same, but each call goes to the command log, as a changing one."""

DIRECTORIES = (
    "/usr/bin",
    "/usr/sbin",
    "/usr/lpp/bos.sysmgt/nim/methods",
    "/sbin",
    "/etc/objrepos",
    "/etc/security",
    "/var/adm/ras",
    "/var/spool",
    "/tmp",
    "/home",
    "/admin",
    "/opt",
    "/mnt",
)
MASTER_DIRECTORIES = ("/export/nim/mksysb", "/export/nim/spot", "/export/nim/lpp_source", "/nim")


def executables(role: str) -> dict[str, str]:
    """AIX path to command module for a host of this role."""
    by_role = {"master": _MASTER, "node": _CLIENT | CLUSTER, "client": _CLIENT, "vios": _CLIENT | _VIOS}
    return _EVERYWHERE | by_role[role]
