"""What each client is asked, in one call over the channel, and what it said.

The script is the same for all clients of a master, so that it travels once; and it does without ``%``, ``^`` and
``~``, which the channel needs to make one line of it.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, fields
from datetime import datetime

from nimwrap.aix import (
    cllsif,
    clmgr,
    clrginfo,
    df,
    exclude_rootvg,
    ifconfig,
    lsattr,
    lslpp,
    lssrc,
    lsvg,
    mount,
    netstat,
    niminfo,
    ps,
)
from nimwrap.aix.addresses import ipv4
from nimwrap.aix.exclude_rootvg import ExcludeFile
from nimwrap.aix.text import Unrecognised, lines
from nimwrap.hosts.script_batch import Question, answers
from nimwrap.hosts.script_batch_parallel import asked_together
from nimwrap.images.kinds.registry import client_programs
from nimwrap.preflight.facts import Fact, Missing, read
from nimwrap.preflight.master_facts import FSIZE, parse_clock, parse_fsize, parse_word
from nimwrap.preflight.source_address import SourceAnswer, read_source, source_question

LIMIT_S = 20
"""Of each slow question; hanging ones cost this once, since they are asked together."""

SYSBR = "bos.sysmgt.sysbr"
_POWERHA = "/usr/es/sbin/cluster"
_CLFINDRES = f"{_POWERHA}/utilities/clfindres"
# netstat knows the order of addresses as well; it is asked where ifconfig does not tell.
_INTERFACES = (
    f'nw_o=$({shlex.join(ifconfig.argv())} 2>&1); echo "$nw_o"\n'
    f"case $nw_o in *inet*) ;; *) echo nw_rows; {shlex.join(netstat.argv())};; esac"
)
# One address has nothing to be told from.
_LASTING = (
    'nw_n=$(echo "$nw_o" | grep "inet " | grep -vc "inet 127"); [ "$nw_n" -eq 1 ] ||\n'
    'for i in $(echo "$nw_o" | sed -n "s/: flags=.*//p" | grep -v lo); do\n'
    'echo nw_if $i; lsattr -El $i | egrep "netaddr|alias4"; done'
)
_FILESYSTEMS = "/ /usr /var /tmp /home /opt"


@dataclass(frozen=True)
class ClientFacts:
    """``fsize`` in bytes, 0 for no limit; ``sysbr`` the fileset's level, empty when not installed;
    ``odm`` the lasting addresses by interface; ``groups``, ``labels`` and so on only on a PowerHA node."""

    source: Fact[SourceAnswer]
    clock: Fact[datetime]
    node: Fact[str]
    machine_id: Fact[str]
    niminfo: Fact[niminfo.NimInfo]
    fsize: Fact[int]
    exclude_file: Fact[ExcludeFile]
    interfaces: Fact[list[ifconfig.Interface]]
    rows: Fact[list[netstat.Row]]
    odm: Fact[dict[str, lsattr.InterfaceAttributes]]
    filesystems: Fact[list[df.Filesystem]]
    mounts: Fact[list[mount.Mount]]
    processes: Fact[list[ps.Process]]
    rootvg: Fact[lsvg.VolumeGroup]
    sysbr: Fact[str]
    powerha: Fact[bool]
    manager: Fact[lssrc.ClusterManager]
    groups: Fact[list[clrginfo.GroupState]]
    labels: Fact[list[cllsif.ClusterAddress]]
    cluster: Fact[dict[str, str]]

    @property
    def own_addresses(self) -> frozenset[str]:
        """The IPv4 addresses on the client's own interfaces, the loopback's left out."""
        found = {address for interface in self.interfaces.value or () for address in interface.ipv4}
        found |= {row.address for row in self.rows.value or () if not row.link and ipv4(row.address)}
        return frozenset(address for address in found if not address.startswith("127."))


def unasked(reason: str) -> ClientFacts:
    """The facts of a client that could not be asked."""
    return ClientFacts(**{field.name: Fact(missing=Missing.NOT_ASKED, why=reason) for field in fields(ClientFacts)})


def client_script(master_name: str, nonce: str) -> str:
    """The one script for a client. ``master_name`` is used where the client's own /etc/niminfo names no master."""
    slow = [
        Question("source", source_question(master_name)),
        Question("interfaces", f"{_INTERFACES}\n{_LASTING}"),
        Question("filesystems", f"df -Pk {_FILESYSTEMS}"),
        Question("rootvg", shlex.join(lsvg.argv())),
        Question("sysbr", shlex.join(lslpp.argv(SYSBR))),
        *_cluster_questions(),
    ]
    return asked_together(_quick_questions(), slow, nonce, LIMIT_S)


def source_script(master_name: str, nonce: str, *, interfaces: bool) -> str:
    """Only the question for the source address, and on demand that for the interfaces that must hold it."""
    holders = [Question("interfaces", _INTERFACES)] if interfaces else []
    return asked_together([], [Question("source", source_question(master_name)), *holders], nonce, LIMIT_S)


def _quick_questions() -> list[Question]:
    # A pattern that does not match itself: this very script stands in ps, too.
    programs = "|".join(f"[{name[0]}]{name[1:]}" for name in client_programs())
    return [
        Question("clock", "date -u"),
        Question("node", "uname -n"),
        Question("machine", "uname -m"),
        Question("niminfo", shlex.join(niminfo.argv())),
        FSIZE,
        Question("mounts", shlex.join(mount.argv())),
        Question("exclude", exclude_rootvg.script()),
        Question("processes", f'{shlex.join(ps.argv())} | awk "NR==1||/{programs}/"'),
        Question("powerha", f"[ -d {_POWERHA} ] && echo present || echo absent"),
    ]


def _cluster_questions() -> list[Question]:
    """Status 127 says that the tool is not there, which is how a host without PowerHA answers all of them."""
    groups = f"[ -x {clrginfo.CLRGINFO} ] && {shlex.join(clrginfo.argv())} && exit 0"
    query = f"CLMGR_TIMEOUT=10; export CLMGR_TIMEOUT; {shlex.join(clmgr.argv('cluster'))}"
    return [
        Question("manager", f"[ -d {_POWERHA} ] || exit 127; {shlex.join(lssrc.argv())}"),
        Question("groups", f"{groups}\n[ -x {_CLFINDRES} ] || exit 127; {_CLFINDRES} -s"),
        Question("labels", f"[ -x {cllsif.CLLSIF} ] || exit 127; {shlex.join(cllsif.argv())}"),
        Question("cluster", f"[ -x {clmgr.CLMGR} ] || exit 127; {query}"),
    ]


def read_client(output: str, nonce: str) -> ClientFacts:
    """The facts of one client from what its script printed."""
    said = answers(output, nonce)
    return ClientFacts(
        source=read_source(said, "source"),
        clock=read(said, "clock", "date -u", parse_clock),
        node=read(said, "node", "uname -n", parse_word),
        machine_id=read(said, "machine", "uname -m", parse_word),
        niminfo=read(said, "niminfo", "cat /etc/niminfo", niminfo.parse),
        fsize=read(said, "fsize", "ulimit -f", parse_fsize),
        exclude_file=read(said, "exclude", f"cat {exclude_rootvg.FILE}", exclude_rootvg.parse),
        interfaces=read(said, "interfaces", "ifconfig -a", _interfaces),
        rows=read(said, "interfaces", "netstat -in", _rows),
        odm=read(said, "interfaces", "lsattr -El", parse_odm),
        filesystems=read(said, "filesystems", "df -Pk", df.parse),
        mounts=read(said, "mounts", "mount", mount.parse),
        processes=read(said, "processes", "ps -ef", ps.parse),
        rootvg=read(said, "rootvg", "lsvg rootvg", lsvg.parse),
        sysbr=read(said, "sysbr", f"lslpp -Lqc {SYSBR}", lambda text: lslpp.parse(text, SYSBR) or ""),
        powerha=read(said, "powerha", f"test -d {_POWERHA}", parse_presence),
        manager=read(said, "manager", "lssrc -ls clstrmgrES", lssrc.parse),
        groups=read(said, "groups", "clRGinfo -s", clrginfo.parse),
        labels=read(said, "labels", "cllsif -c", cllsif.parse),
        cluster=read(said, "cluster", "clmgr query cluster", clmgr.parse),
    )


def parse_presence(text: str) -> bool:
    word = parse_word(text)
    if word not in ("present", "absent"):
        raise Unrecognised("test", text)
    return word == "present"


def _interfaces(text: str) -> list[ifconfig.Interface]:
    return ifconfig.parse(re.split(r"^nw_", text, maxsplit=1, flags=re.MULTILINE)[0])


def _rows(text: str) -> list[netstat.Row]:
    return netstat.parse(text.partition("nw_rows\n")[2].partition("nw_if")[0])


def parse_odm(text: str) -> dict[str, lsattr.InterfaceAttributes]:
    """By interface, from ``lsattr -El`` of each behind a line that names it; unreadable ones are left out."""
    parts: dict[str, list[str]] = {}
    for line in lines(text):
        if line.startswith("nw_if ") and len(line.split()) == 2:
            parts[line.split()[1]] = []
        elif parts:
            parts[list(parts)[-1]].append(line)
    found = {}
    for name, rows in parts.items():
        try:
            found[name] = lsattr.parse("\n".join(rows))
        except Unrecognised:
            continue
    if not found:
        raise Unrecognised("lsattr", text)
    return found
