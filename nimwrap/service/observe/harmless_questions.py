"""The harmless ones of the questions that aix-nim section 10 and powerha section 11 list as not found publicly."""

from __future__ import annotations

import shlex

from nimwrap.aix import cllsif, clmgr, clrginfo, exportfs, lsnim, traceroute
from nimwrap.hosts.script_batch import Question

_LIMIT_S = 30
_UTILITIES = "/usr/es/sbin/cluster/utilities"
_ABSENT = "|| exit 127; "


def command_of(question: Question) -> str:
    """The command as a person would type it."""
    return question.shell.rpartition(_ABSENT)[2]


def master_questions(client: str | None, image: str | None) -> list[Question]:
    """For the master: exports in force and standing, and what NIM says about one client, one image and itself."""
    asked = {
        "exportfs": shlex.join(exportfs.list_argv()),
        "etc-exports": "cat /etc/exports",
        "etc-xtab": "cat /etc/xtab",
        "lsnim-q-define-t-mksysb": f"{lsnim.LSNIM} -q define -t mksysb",
        "lsnim-l-master": shlex.join(lsnim.long_argv("master")),
        "lsnim-a-Cstate": f"{lsnim.LSNIM} -a Cstate -t standalone",
    }
    if client:
        asked["lsnim-l-client"] = shlex.join(lsnim.long_argv(client))
        asked["lsnim-c-resources-client"] = shlex.join(lsnim.table_argv(client, "resources"))
    if image:
        asked["lsnim-l-mksysb"] = shlex.join(lsnim.long_argv(image))
    return [Question(name, shell, _LIMIT_S) for name, shell in asked.items()]


def client_questions(master_host: str) -> list[Question]:
    """For a client: which stream traceroute's source lines go to."""
    route = shlex.join(traceroute.argv(master_host))
    return [
        Question("traceroute-stdout", f"{route} 2>/dev/null", _LIMIT_S),
        Question("traceroute-stderr", f"{route} 2>&1 >/dev/null", _LIMIT_S),
    ]


def cluster_questions() -> list[Question]:
    """For a PowerHA node: the layouts that no public capture shows."""
    asked = {
        "clRGinfo": clrginfo.CLRGINFO,
        "clRGinfo-v": f"{clrginfo.CLRGINFO} -v",
        "clRGinfo-p": f"{clrginfo.CLRGINFO} -p",
        "clRGinfo-s": shlex.join(clrginfo.argv()),
        "cllsif": cllsif.CLLSIF,
        "cllsif-c": shlex.join(cllsif.argv()),
        "cltopinfo": f"{_UTILITIES}/cltopinfo",
        "clshowres": f"{_UTILITIES}/clshowres",
        "clmgr-query-cluster": shlex.join(clmgr.argv("cluster")),
        "clmgr-query-service_ip": shlex.join(clmgr.argv("service_ip")),
        "clmgr-query-network": shlex.join(clmgr.argv("network")),
    }
    return [Question(name, f"[ -x {shell.split()[0]} ] {_ABSENT}{shell}", None) for name, shell in asked.items()]
