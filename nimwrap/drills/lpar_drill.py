"""Level ``lpar``: a whole sandbox LPAR is installed from the image without a question, booted, and asked what it is.

``nim -o bos_inst`` with a ``bosinst_data`` of ``PROMPT = no`` (aix-nim section 8, peers section 4); where an HMC is
configured it boots the LPAR by ``lpar_netboot`` (IBM: HMC commands), else NIM reboots the running machine. A file that
was laid into its old system and is gone shows that it is the new one that answers.
"""

from __future__ import annotations

import shlex
from dataclasses import replace

from nimwrap.aix import lsnim, nim, nim_install
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Failure
from nimwrap.drills.base import FOLDER, DrillEnd, DrillWork
from nimwrap.hooks.on_master import way_to
from nimwrap.hosts.client_channel import client_command, parse_channel
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.jobs.detached_job import DetachedJob, JobState, JobStatus

_ASKING_S = 60
_PAUSE_S = 20
_BOOT_S = 600
"""Of the timeout, what is left for NIM and the HMC."""
_WHY = {
    20: "NIM has something else in hand with it, so nothing was begun",
    21: "it could not be marked, so nothing was begun",
    22: "NIM does not define the bosinst_data",
    23: "NIM refuses bos_inst",
    24: "the HMC does not boot it",
    25: "it did not come back from the image in time",
}
_BOSINST = """\
control_flow:
    CONSOLE = Default
    INSTALL_METHOD = overwrite
    PROMPT = no
    EXISTING_SYSTEM_OVERWRITE = yes
    RECOVER_DEVICES = no
    ACCEPT_LICENSES = yes
"""


class LparDrill:
    """Needs a sandbox with a SPOT: all that is on it is overwritten."""

    name = "lpar"
    needs = "spot"

    def job(self, work: DrillWork) -> DetachedJob:
        sandbox, job = work.sandbox, DetachedJob(FOLDER, work.job_name, "", work.sandbox.timeout)
        data = f"{job.room(work.context.master.spool)}/bosinst.data"
        install = nim_install.bos_inst(
            sandbox.client, image=work.row.resource or "", spot=sandbox.spot, bosinst_data=_resource(work)
        )
        if not sandbox.hmc:
            install = [word.replace("boot_client=no", "boot_client=yes") for word in install]
        asked = f"[ -f {_mark(work)} ] && exit 9\n"
        asked += "for each in hostname 'oslevel -s' lspv; do $each | sed 's/^/seen /'; done\n"
        tries = max(1, (sandbox.timeout - _BOOT_S) // _PAUSE_S)
        text = f"""\
cat > bosinst.data <<'NIMWRAP_DATA'
{_BOSINST}NIMWRAP_DATA
chmod 644 bosinst.data
seen=$(/usr/sbin/lsnim -l {shlex.quote(sandbox.client)}) || exit 20
echo "$seen" | grep -i 'Cstate *= *{lsnim.READY}' > /dev/null || {{ echo "$seen" | grep Cstate; exit 20; }}
echo "$seen" | egrep '^ *({work.row.kind}|spot|bosinst_data) *=' && exit 20
{_call(work, f": > {_mark(work)} && exit 0; exit 1")} > marked
grep '^nw_rc=0$' marked > /dev/null || {{ cat marked; exit 21; }}
{shlex.join(nim_install.define_bosinst_data(_resource(work), location=data))} || exit 22
{shlex.join(install)} || exit 23
{_netboot(work)}tried=0
while [ $tried -lt {tries} ]; do
  {_call(work, asked)} > answer 2>&1
  grep '^nw_rc=0$' answer > /dev/null && {{ cat answer; exit 0; }}
  tried=$((tried + 1))
  sleep {_PAUSE_S}
done
cat answer
exit 25
"""
        return replace(job, text=text)

    def judge(self, work: DrillWork, status: JobStatus) -> DrillEnd:
        name = work.row.resource or work.row.location
        seen = tuple(line.removeprefix("seen ") for line in status.output.splitlines() if line.startswith("seen "))
        if status.state is JobState.DONE and status.returncode == 0:
            if any(" rootvg " in f"{line} " for line in seen):
                return DrillEnd(None, (f"installed {work.sandbox.client}", *seen))
            why = "it came back and shows no rootvg"
        else:
            why = f"{_WHY.get(status.returncode or 0, 'it was not installed')}: {status.reason}"
        at = f"{work.sandbox.client} and [sandboxes.{work.sandbox.name}]"
        fix = f"see {at}; then nimwrap images drill {work.row.client}"
        code = {23: FailureCode.NIM_REFUSED, 22: FailureCode.NIM_REFUSED, 21: FailureCode.CLIENT_UNREACHABLE}.get(
            status.returncode or 0, FailureCode.UNKNOWN
        )
        return DrillEnd(Failure(code, f"{name} on {work.sandbox.client}: {why}", fix), (status.output[-2000:], *seen))

    def clear(self, work: DrillWork) -> str:
        """What NIM was given for it is taken back; a machine that is still being installed is reset."""
        client, made = work.sandbox.client, _resource(work)
        room = DetachedJob(FOLDER, work.job_name, "", 0).room(work.context.master.spool)
        held = {work.row.kind: work.row.resource or "", "spot": work.sandbox.spot, "bosinst_data": made}
        taken = "".join(
            f'echo "$seen" | grep "^ *{kind} *= *{shlex.quote(name)} *$" > /dev/null && '
            f"{{ {shlex.join(nim.deallocate(client, kind, name))} || exit 1; }}\n"
            for kind, name in held.items()
        )
        result = work.context.host.run(
            f"""\
{PREAMBLE}[ -f {shlex.quote(room)}/marked ] || exit 0
seen=$(/usr/sbin/lsnim -l {shlex.quote(client)}) || exit 1
echo "$seen" | grep '^ *bosinst_data *= *{made} *$' > /dev/null && {{ {shlex.join(nim.reset(client))} || exit 1; }}
{taken}/usr/sbin/lsnim -l {made} > /dev/null 2>&1 || exit 0
{shlex.join(nim.remove(made))}
""",
            timeout=600,
        )
        marked = work.context.host.run(f"{PREAMBLE}{_call(work, f'rm -f {_mark(work)}')}\n", timeout=_ASKING_S + 60)
        answer = parse_channel(marked.stdout)
        if answer.unknown or answer.failed:
            return f"{client} does not answer: {_mark(work)} may be there still"
        left = f"NIM still holds {made} for {client}: {result.stderr.strip()[-300:]}"
        return left if result.unknown or result.failed else ""


def _resource(work: DrillWork) -> str:
    return work.job_name.replace("drill-", "nimwrap_drill_")


def _mark(work: DrillWork) -> str:
    return f"/etc/{_resource(work)}.mark"


def _call(work: DrillWork, script: str) -> str:
    route, host = way_to(work.context, work.sandbox.client)
    return f"{{ {client_command(route, host, PREAMBLE + script, _ASKING_S)}\n}}"


def _netboot(work: DrillWork) -> str:
    """Names and addresses are of a shape that no shell reads anything into (config.keys)."""
    sandbox, (_, host) = work.sandbox, way_to(work.context, work.sandbox.client)
    if not sandbox.hmc:
        return ""
    call = f"lpar_netboot -f -t ent -s auto -d auto -G {sandbox.gateway} -S ${{own%,}} -C ${{its%,}}"
    names = f"{sandbox.hmc_lpar or sandbox.client} {sandbox.hmc_profile} {sandbox.hmc_system}"
    ssh = "ssh -n -o BatchMode=yes -o ConnectTimeout=20 -o StrictHostKeyChecking=yes"
    return f"""\
own=$(host $(hostname) | awk '{{ print $3 }}')
its=$(host {shlex.quote(host)} | awk '{{ print $3 }}')
{ssh} {sandbox.hmc} "{call} {names}" || exit 24
"""
