"""A long step as a detached job on the master: started, followed, found again by whoever comes later.

Its directory ``SPOOL/FOLDER/NAME`` is the same for every nimwrap, so that none starts a second job beside a living one,
and each can finish what another began.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from enum import StrEnum

from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.failpoints import failpoint
from nimwrap.hosts.script_batch import CLOCK, PREAMBLE, limited
from nimwrap.locks.lock_scripts import ALIVE, MARK, said
from nimwrap.master_context import MasterContext

WAIT_S = 10
"""How long one look waits on the master for the end."""
SILENCE_S = 600
"""How long a master may be out of reach before its job is left to the next nimwrap."""
_OUTPUT = 16000


class JobState(StrEnum):
    ABSENT = "absent"
    RUNNING = "running"
    DONE = "done"
    DEAD = "dead"


@dataclass(frozen=True)
class JobStatus:
    """How a job stands. ``returncode`` None unless it is done; DEAD: it was killed, or the master went down."""

    state: JobState
    returncode: int | None = None
    output: str = ""

    @property
    def done_well(self) -> bool:
        return self.state is JobState.DONE and self.returncode == 0

    @property
    def reason(self) -> str:
        """What it said last, for people."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip() and not line.startswith(MARK)]
        if self.state is JobState.DEAD:
            return "it was killed before its end"
        ended = "it took longer than its timeout" if self.returncode == 143 else f"status {self.returncode}"
        return f"{lines[-1]} ({ended})" if lines else ended


@dataclass(frozen=True)
class DetachedJob:
    """One job: ``folder`` of the spool and ``name`` of its directory in it, and the text of its command."""

    folder: str
    name: str
    text: str
    timeout_s: int

    def room(self, spool: str) -> str:
        return f"{spool}/{self.folder}/{self.name}"


def run_job(context: MasterContext, job: DetachedJob) -> JobStatus:
    """Start the job, or take up the one that runs or has ended already; its end.

    Raises Interrupted when we are told to leave and ``master_unreachable`` when the master is silent: it goes on.
    """
    status = look_at(context, job)
    if status.state in (JobState.ABSENT, JobState.DEAD):
        failpoint(f"{job.folder} job {job.name} start")
        context.host.run(_start_script(context.master.spool, job), timeout=120)
        status = look_at(context, job)
    pause, heard = 0.1, context.clock.monotonic()
    while status.state is JobState.RUNNING:
        context.clock.check()
        context.clock.sleep(min(pause, 1.0))
        try:
            status = look_at(context, job, 0 if pause < 1 else WAIT_S)
            heard = context.clock.monotonic()
        except NimwrapError as error:
            if error.code != "master_unreachable" or context.clock.monotonic() - heard > SILENCE_S:
                raise
        pause *= 1.3
    if status.state is JobState.ABSENT:
        raise NimwrapError(f"{context.master.name} could not start a job in {context.master.spool}/{job.folder}")
    return status


def look_at(context: MasterContext, job: DetachedJob, wait_s: int = 0) -> JobStatus:
    """How it stands now, or when it ends within ``wait_s``. Raises ``master_unreachable`` when nothing was said."""
    result = context.host.run(_look_script(job.room(context.master.spool), wait_s), timeout=wait_s + 60)
    told = [line.split() for line in said(result.stdout)]
    states = [line[1] for line in told if line[:1] == ["state"] and len(line) == 2]
    if result.unknown or not states:
        raise master_unreachable(f"{context.master.name} does not say how {job.name} stands", "nimwrap recover asks")
    codes = [int(line[1]) for line in told if line[:1] == ["rc"] and len(line) == 2 and line[1].isdigit()]
    state = JobState(states[-1])
    return JobStatus(state, codes[-1] if codes and state is JobState.DONE else None, result.stdout)


def clear_job(context: MasterContext, job: DetachedJob) -> None:
    """Remove the job's directory, unless it runs."""
    room = shlex.quote(job.room(context.master.spool))
    context.host.run(
        f"{PREAMBLE}{ALIVE}[ -f {room}/done ] || ! alive {room} || exit 0\nrm -rf {room}\n"
        f"rmdir {shlex.quote(context.master.spool)}/{job.folder} 2>/dev/null\nexit 0\n"
    )


def _start_script(spool: str, job: DetachedJob) -> str:
    """Nothing is started beside a living job; what a dead one left is written anew."""
    room = shlex.quote(job.room(spool))
    wrapper = f"""\
{PREAMBLE}trap '' HUP
cd {room} || exit 1
echo $$ > pid
{{ {limited("exec /usr/bin/ksh ./command", job.timeout_s)}
}} > out 2>&1 < /dev/null
echo $? > rc
{CLOCK} > done
"""
    return f"""\
{PREAMBLE}umask 077
{ALIVE}
alive {room} && exit 0
rm -rf {room}
mkdir -p {room} || exit 1
cd {room} || exit 1
cat > command <<'NIMWRAP_END'
{PREAMBLE}{job.text}NIMWRAP_END
cat > wrapper <<'NIMWRAP_END'
{wrapper}NIMWRAP_END
[ -s command ] && [ -s wrapper ] || {{ cd /; rm -rf {room}; exit 1; }}
nohup /usr/bin/ksh {room}/wrapper < /dev/null > /dev/null 2>&1 &
echo $! > pid
"""


def _look_script(path: str, wait_s: int) -> str:
    room = shlex.quote(path)
    return f"""\
{PREAMBLE}{ALIVE}
[ -d {room} ] || {{ echo '{MARK}state absent'; exit 0; }}
cd {room} || exit 1
waited=0
while [ ! -f done ] && alive {room} && [ $waited -lt {wait_s} ]; do sleep 1; waited=$((waited + 1)); done
state=dead
alive {room} && state=running
[ -f done ] && state=done
tail -c {_OUTPUT} out 2>/dev/null
echo
echo "{MARK}rc $(cat rc 2>/dev/null)"
echo "{MARK}state $state"
"""
