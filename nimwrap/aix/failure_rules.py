"""The table behind :func:`nimwrap.aix.classify.classify`: which text means which failure, nearest cause first.

Sections are those of aix-nim unless powerha or peers is named. A rule looks at the whole text, never at one code alone:
0042-175 and 0042-001 only say that some other command failed, so neither stands here. The text of an errno says nothing
about who met it: that is told by the program that printed it, and without one it stays undecided.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from nimwrap.aix import nim
from nimwrap.aix.messages import AixMessage, messages
from nimwrap.domain.codes import FailureCode


@dataclass(frozen=True)
class Rule:
    """``pattern`` is searched in the whole text; ``also`` must agree where it is given. ``fix``: what to do on AIX."""

    code: FailureCode
    pattern: re.Pattern[str]
    says: str
    fix: str
    also: Callable[[str], bool] | None = None

    def matches(self, text: str) -> bool:
        return self.pattern.search(text) is not None and (self.also is None or self.also(text))


def _rule(code: FailureCode, pattern: str, says: str, fix: str, also: Callable[[str], bool] | None = None) -> Rule:
    return Rule(code, re.compile(pattern, re.IGNORECASE), says, fix, also)


def _finished_with_warnings(text: str) -> bool:
    return nim.completed(text) and nim.archive_warnings(text)


def _space_is_short(text: str) -> bool:
    space = nim.parse_space(text)
    return space is not None and space.required_bytes > space.available_bytes and not nim.completed(text)


_NO_WAY = r"connection (?:refused|timed out|reset)|no route to host|network (?:is )?(?:down|unreachable)|host is down"
_NOT_ALLOWED = r"not owner|operation not permitted|permission denied|file access permissions do not allow"


def _of_channel(message: AixMessage) -> bool:
    """Whether it is NIM's channel that speaks: c_rsh, rsh, nimsh, or 0042-006, which is about nothing else."""
    return message.code == "0042-006" or message.program.rpartition("/")[2] in (
        "c_rsh",
        "rsh",
        "nimsh",
        "exec_nimsh_cmd",
    )


def _of_nfs(message: AixMessage) -> bool:
    """Whether mount or what NIM mounts with speaks: then it is about the master's exports, not about the channel."""
    program = message.program.rpartition("/")[2]
    return message.code[:4] in ("1831", "1832") or program in ("mount", "vmount", "nfsmnthelp", "c_mkbosi")


def _spoken(speaks: Callable[[AixMessage], bool], pattern: str) -> Callable[[str], bool]:
    """True of a text in which one of these speakers says something like ``pattern``."""
    words = re.compile(pattern, re.IGNORECASE)
    return lambda text: any(speaks(message) and words.search(str(message)) for message in messages(text))


RULES: tuple[Rule, ...] = (
    _rule(  # 6.2
        FailureCode.CLIENT_UNKNOWN,
        r"0042-053|no NIM object named",
        "NIM has no object of this name",
        "On the master: lsnim -t standalone shows the clients it knows; define the client or correct the name.",
    ),
    _rule(  # 6.2: no public text for 0042-008; scripts meet it when the stored cpuid is no longer the client's
        FailureCode.CLIENT_IDENTITY,
        r"0042-008|cpuid\b.{0,200}(?:mismatch|not match|differ)",
        "the client and NIM do not agree who the client is (cpuid or master name)",
        "Compare cpuid in lsnim -l CLIENT with uname -m on the client. If the machine was moved: on the master "
        "nim -Fo change -a cpuid=NEW CLIENT. If the master changed: rebuild /etc/niminfo on the client with niminit.",
    ),
    _rule(  # 6.3: a stale name in /etc/exports; comes with 0042-006, which is then only its result (powerha 8)
        FailureCode.EXPORT_CONFLICT,
        r"exportfs:.{0,300}unk(?:no|on)wn host",
        "the master cannot resolve a host named in its exports, and exportfs stops there",
        "On the master: look for the host in /etc/exports and exportfs; correct or remove that entry, or make the name "
        "resolvable in /etc/hosts. NIM cannot export anything until then.",
    ),
    _rule(  # cases: the master's name or route is missing on the client; nothing of the channel is meant
        FailureCode.CLIENT_UNREACHABLE,
        r"not in (?:the )?hosts database",
        "the client cannot resolve the master's name, or has no route to it",
        "On the client: host MASTER must give the master's address (MASTER as in /etc/niminfo); add it to DNS or "
        "/etc/hosts. Then traceroute MASTER, and netstat -rn for the route.",
    ),
    _rule(
        FailureCode.CLIENT_UNREACHABLE,
        _NO_WAY,
        "the client gets no answer from the master's NFS service",
        "On the client: host MASTER must give the master's address; showmount -e MASTER must answer. On the master: "
        "lssrc -g nfs (nfsd and rpc.mountd must be active; startsrc -g nfs starts them).",
        _spoken(_of_nfs, _NO_WAY),
    ),
    _rule(  # 5.1 and 6.2: whatever the errno behind it
        FailureCode.CLIENT_UNREACHABLE,
        r"0042-006",
        "the client cannot be reached over NIM's channel",
        "On the client: lssrc -s nimsh, and startsrc -s nimsh if it is down. From the master: ping the client, and "
        "check that ports 3901 and 3902 (nimsh) are open between the two and that the client's name resolves rightly.",
    ),
    _rule(
        FailureCode.CLIENT_UNREACHABLE,
        f"{_NO_WAY}|{_NOT_ALLOWED}",
        "NIM's channel to the client does not let the master in",
        "On the client: lssrc -s nimsh, and startsrc -s nimsh if it is down; /var/adm/ras/nimsh.log says whom it "
        "refuses. From the master: nim -o lslpp CLIENT asks the client something harmless.",
        _spoken(_of_channel, f"{_NO_WAY}|{_NOT_ALLOWED}"),
    ),
    _rule(  # 6.3 (1831-010, 1832-019: wording not captured) and peers P15
        FailureCode.CLIENT_UNREACHABLE,
        r"1831-010|1832-019|program not registered|server \S{1,255} not responding|RPC: \S|mount: given up after",
        "the client gets no answer from the master's NFS service",
        "On the master: lssrc -g nfs (nfsd and rpc.mountd must be active; startsrc -g nfs starts them). On the client: "
        "host MASTER must give the master's address; showmount -e MASTER must answer.",
    ),
    _rule(  # 5.1; the second line: AIX's own wording of the same errors. Nobody says which program met them
        FailureCode.CLIENT_UNREACHABLE,
        rf"{_NO_WAY}|refused an attempted connect operation|did not respond within the timeout"
        r"|route to the remote host is not available",
        "a connection failed, over NIM's channel or to the master's NFS service: which of the two is not said",
        "NIM's channel: on the client, lssrc -s nimsh; from the master, ping CLIENT, and ports 3901 and 3902. NFS: on "
        "the client, host MASTER and showmount -e MASTER; on the master, lssrc -g nfs.",
    ),
    _rule(  # 5.4 item 10, 6.4
        FailureCode.ROOTVG_LOCKED,
        r"0516-1201|volume group \S{1,64} is locked",
        "the volume group is locked; LVM commands and mksysb would wait for ever",
        "On the client: look for a running LVM command (ps -ef | grep vg). Only if there is none: chvg -u rootvg.",
    ),
    _rule(  # 2.5, 3.1, 6.2
        FailureCode.EXPORT_CONFLICT,
        r"0042-081|NFS export restrictions|(?<!re-)already exported|(?:parent|sub).?director(?:y|ies) .{0,300}exported"
        r"|cannot be exported",
        "the directory cannot be exported because it, its parent or a subdirectory is exported or used already",
        "On the master: exportfs and /etc/exports show the standing export; remove it (exportfs -u DIR, and its line) "
        "or give every client its own directory outside it. lsnim -l shows a resource that uses the same location.",
    ),
    _rule(  # 3.3, three sources
        FailureCode.EXPORT_DENIED,
        r"vmount: (?:operation not permitted|not owner)",
        "the NFS server wants a privileged port and the client used another",
        "On the client: nfso -p -o nfs_use_reserved_ports=1 (lasting; it changes NFS for the whole client).",
    ),
    _rule(  # 3.3 and 6.3: seen with a service address that has no reverse entry
        FailureCode.EXPORT_DENIED,
        r"1831-019",
        "the master could not look the client's address up, so no export can match it",
        "On the master: host ADDRESS for the address the client's packets leave with (on the client: traceroute "
        'MASTER, line "source should be"). Add it to DNS or /etc/hosts, or list the address itself in the export.',
    ),
    _rule(  # 1, 3.2, 6.3; powerha 1, 3 and 5: the cure is the PowerHA network's, synchronising alone changes nothing
        FailureCode.EXPORT_DENIED,
        r"1831-011|access denied (?:for|by server)|1831-008[^\n]{0,300}(?:\n[^\n]{0,300}){0,2}file access permissions",
        "the master's export does not admit the address that the client came from",
        "Compare the address the client's packets leave with (on the client: traceroute MASTER, line \"source should "
        'be") with the one the master has for its if1 name (lsnim -l CLIENT, host NAME); exportfs on the master shows '
        "who is let in. If this is a cluster node, a service address may stand first on the interface: the lasting "
        'cure is the PowerHA network\'s Distribution Preference "Disable Firstalias" (smitty cm_service_ip), verify '
        "and synchronise, then the resource group offline and online.",
    ),
    _rule(  # 6.2
        FailureCode.KILLED,
        r"0042-002|interrupt signal",
        "the operation was interrupted by a signal",
        "Find out who or what ended it (on the master: alog -f /var/adm/ras/nimlog -o). nimwrap recover cleans up.",
    ),
    _rule(  # 6.4: the image exists; files changed or vanished while it was made
        FailureCode.ARCHIVE_WARNING,
        r"0512-003",
        "the image was made, but some files could not be archived",
        "See which files in the run's output (nimwrap show RUN). Files that come and go belong in /etc/exclude.rootvg, "
        "anchored like ^./tmp/, with flag e.",
        _finished_with_warnings,
    ),
    _rule(  # 5.3: fsize for the user that runs it, on client and master; large-file file system
        FailureCode.WRITE_DENIED,
        r"file too large|file cannot be larger than",
        "the image met a file-size limit",
        "On the client and on the master: ulimit -f must say unlimited for root (fsize = -1 in /etc/security/limits), "
        "and the image file system must be JFS2 or large-file enabled (lsfs -q).",
    ),
    _rule(  # cases: LVM's own words
        FailureCode.SPACE_SHORT,
        r"0516-404|0516-788|not enough (?:free )?(?:physical |logical )?partitions|unable to extend logical volume"
        r"|not enough resources available to fulfill allocation",
        "a volume group has no free partitions for what is to be extended",
        "On the machine that says so: lsvg rootvg (FREE PPs), df -k. Make room in the volume group, or in the file "
        "system that was to be extended: for a client, /tmp and / before a mksysb with flag X.",
    ),
    _rule(  # cases: the room is short, which is not to say that anything is full
        FailureCode.SPACE_SHORT,
        r"not enough free disk space|more \d+.byte blocks are required|extend th(?:is|e) file system was unsuccessful",
        "a file system has less room than is needed, and could not be extended",
        "On the machine that says so: df -k of the file system named, lsvg of its volume group; chfs -a size=+... or "
        "make room there.",
    ),
    _rule(  # 5.3
        FailureCode.SPACE_SHORT,
        r"no space left|file ?system (?:\S{1,255} )?(?:is )?full\b"
        r"|(?:not enough|insufficient|out of) (?:free )?(?:disk )?space(?! (?:on|in) (?:the )?paging)",
        "a file system is full",
        "On the master: df -k of the image directory. On the client: df -k /tmp / (the boot image is built in /tmp; "
        "flag X lets it grow). nimwrap images prune frees old generations.",
    ),
    _rule(  # 2.3 item 2, 5.3
        FailureCode.SPACE_SHORT,
        r"Required\s*=",
        "the image needs more space than the file system has",
        "On the master: df -k of the image directory; extend it (chfs -a size=+...) or run nimwrap images prune.",
        _space_is_short,
    ),
    _rule(  # 6.2
        FailureCode.NIM_REFUSED,
        r"0042-032|name must be unique",
        "the resource's name is taken already",
        "On the master: lsnim -l NAME. Remove the old object (nim -o remove NAME keeps its file) or use another name.",
    ),
    _rule(  # 2.5, 2.7, 6.2 (0042-052, 0042-207)
        FailureCode.CLIENT_BUSY,
        r"0042-207|0042-052|resources have been allocated|operation (?:is )?(?:already )?in progress"
        r"|operation is being performed|\b(?:is|are) (?:currently |already )?(?:busy|locked)\b|resource busy",
        "NIM holds the client or the resource for another operation",
        "On the master: lsnim -l CLIENT (Cstate, allocated resources). When no operation really runs: nim -Fo reset -a "
        "force=yes CLIENT, and deallocate what is left by name.",
    ),
    _rule(  # 3.2: root= missing or restrict_nfs_exports=no makes root an ordinary user
        FailureCode.WRITE_DENIED,
        r"permission denied|file access permissions do not allow|read-?only file system|operation not permitted",
        "the client may mount the directory but not write there as root",
        "On the master: exportfs must name the client's source address in root= as well as in access= (or rw=), and "
        "the export must not be read-only.",
    ),
    _rule(  # 6.4
        FailureCode.IMAGE_MISSING,
        r"0512-054|does not exist or is empty",
        "the image file is not there or is empty",
        "On the master: ls -l of the location that lsnim -l shows; df -k of its file system.",
    ),
    _rule(  # 6.2
        FailureCode.NIM_REFUSED,
        r"0042-154",
        "NIM misses a file or directory",
        "On the master: create the directory named in the message, or correct [backup] directory.",
    ),
    _rule(  # 6.2
        FailureCode.NIM_REFUSED,
        r"0042-021|0042-130|\*\* Use lsnim -|operation is not allowed|(?m:^usage:\s+nim\b)|\bvalid operations:",
        "NIM does not accept the operation as it was asked for",
        "On the master: lsnim -q define -t mksysb lists what this level of NIM accepts; compare with the command in "
        "nimwrap show RUN.",
    ),
)
