"""Level ``disk``: the image becomes a sleeping rootvg on a spare disk of a sandbox, is looked at, and is removed again.

``nim -o allocate`` exports the image to the sandbox as NIM does for an installation (aix-nim section 2), which mounts
the one file; ``alt_disk_mksysb`` restores it (IBM: alt_disk_mksysb command), ``lspv`` and ``lsvg`` show it.
Only what the drill made is removed: it saw the disk free and no sleeping rootvg, and wrote that down before it began.
"""

from __future__ import annotations

import shlex

from nimwrap.aix import alt_disk, nim
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Failure
from nimwrap.drills.base import FOLDER, DrillEnd, DrillWork
from nimwrap.hooks.on_master import way_to
from nimwrap.hosts.client_channel import ChannelAnswer, client_command, parse_channel
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.jobs.detached_job import DetachedJob, JobState, JobStatus

_CLEARING_S = 900
_ALLOCATE = 21
_WHY = {
    31: "its disk {disk} is not free",
    32: "it has a sleeping rootvg already, which is not ours",
    33: "it cannot mount the image from its master",
    34: "alt_disk_mksysb failed",
    35: "alt_disk_mksysb ended well, but lspv and lsvg show no sleeping rootvg on {disk}",
}
"""What the statuses of the script on the sandbox mean."""


class DiskDrill:
    """Needs a sandbox with a free disk, and an image that is a NIM resource."""

    name = "disk"
    needs = "disk"

    def job(self, work: DrillWork) -> DetachedJob:
        sandbox, row = work.sandbox, work.row
        allocate = nim.allocate(sandbox.client, row.kind, row.resource or "")
        route, host = way_to(work.context, sandbox.client)
        on_sandbox = client_command(route, host, _script(work), sandbox.timeout)
        text = f"{shlex.join(allocate)} || exit {_ALLOCATE}\n{on_sandbox}\n"
        return DetachedJob(FOLDER, work.job_name, text, sandbox.timeout + 60)

    def judge(self, work: DrillWork, status: JobStatus) -> DrillEnd:
        if status.returncode == _ALLOCATE:
            code = FailureCode.NIM_REFUSED
            return _end(work, code, f"NIM does not allocate the image to it: {status.reason}", status.output)
        answer = parse_channel(status.output)
        if status.state is not JobState.DONE or not answer.reached:
            return _end(work, FailureCode.CLIENT_UNREACHABLE, f"it did not answer: {status.reason}", status.output)
        if answer.failed:  # reached: what nobody knows was told above
            why = _WHY.get(answer.returncode or 0, f"status {answer.returncode}").format(disk=work.sandbox.disk)
            code = FailureCode.IMAGE_UNREADABLE if answer.returncode == 34 else FailureCode.UNKNOWN
            return _end(work, code, f"{why}: {_last(answer)}", answer.output)
        seen = [line for line in answer.output.splitlines() if line.startswith(("lspv ", "lsvg "))]
        return DrillEnd(None, (f"restored to {work.sandbox.disk} of {work.sandbox.client}", *seen))

    def clear(self, work: DrillWork) -> str:
        """The sandbox's part first: while the image is mounted there, NIM keeps it allocated."""
        sandbox, row = work.sandbox, work.row
        route, host = way_to(work.context, sandbox.client)
        call = client_command(route, host, _clearing(work), _CLEARING_S)
        result = work.context.host.run(f"{PREAMBLE}{call}\n", timeout=_CLEARING_S + 60)
        answer = parse_channel(result.stdout)
        if answer.unknown or answer.failed:
            return f"{sandbox.client}: the drill is not cleared away there: {_last(answer) or result.stderr.strip()}"
        undo = shlex.join(nim.deallocate(sandbox.client, row.kind, row.resource or ""))
        shown = f"/usr/sbin/lsnim -l {shlex.quote(sandbox.client)}"
        held = f"grep '^ *{row.kind} *= *{row.resource} *$' > /dev/null"
        result = work.context.host.run(
            f'{PREAMBLE}seen=$({shown}) || exit 1\necho "$seen" | {held} || exit 0\n{undo}\n', timeout=300
        )
        left = f"{row.resource} stays allocated to {sandbox.client}"
        return left if result.unknown or result.failed else ""


def _place(work: DrillWork) -> str:
    return f"/tmp/nimwrap.{work.job_name}"  # noqa: S108 (made there with mkdir, which takes nothing that is there)


def _script(work: DrillWork) -> str:
    place, disk = _place(work), work.sandbox.disk
    image = shlex.quote(work.row.location)
    install = shlex.join(alt_disk.install_argv(f"{place}/image", disk))
    return f"""\
{PREAMBLE}seen=$(lspv)
echo "$seen" | grep '^{disk} .* None' > /dev/null || {{ echo "$seen" | grep '^{disk} '; exit 31; }}
echo "$seen" | grep {alt_disk.SLEEPING} && exit 32
server=$(sed -n 's/^export NIM_MASTER_HOSTNAME="*\\([^"]*\\)"*$/\\1/p' /etc/niminfo | tail -1)
mkdir -m 700 {place} && : > {place}/image || exit 33
mount -o ro "$server":{image} {place}/image || exit 33
: > {place}/began || exit 34
{install} || exit 34
lspv | grep '^{disk} .*{alt_disk.SLEEPING}' > /dev/null && lsvg | grep '^{alt_disk.SLEEPING}$' > /dev/null || exit 35
lspv | grep '^{disk} ' | sed 's/^/lspv /'
lsvg | sed 's/^/lsvg /'
exit 0
"""


def _clearing(work: DrillWork) -> str:
    place, disk = _place(work), work.sandbox.disk
    return f"""\
{PREAMBLE}[ -d {place} ] || exit 0
ps -ef | grep '[a]lt_disk_mksysb -m {place}/image' && {{ echo 'it still runs'; exit 36; }}
if [ -f {place}/began ] && lspv | grep '^{disk} .*{alt_disk.SLEEPING}' > /dev/null; then
  {shlex.join(alt_disk.remove_argv())} || exit 37
fi
mount | grep ' {place}/image ' > /dev/null && {{ umount {place}/image || exit 38; }}
rm -f {place}/image {place}/began && rmdir {place}
"""


def _last(answer: ChannelAnswer) -> str:
    return next((line.strip() for line in reversed(answer.output.splitlines()) if line.strip()), "")[:300]


def _end(work: DrillWork, code: FailureCode, why: str, output: str) -> DrillEnd:
    name = work.row.resource or work.row.location
    fix = f"see {work.sandbox.client} and [sandboxes.{work.sandbox.name}]; then nimwrap images drill {work.row.client}"
    return DrillEnd(Failure(code, f"{name} on {work.sandbox.client}: {why}", fix), (output[-2000:],))
