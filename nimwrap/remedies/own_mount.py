"""Remedy ``own-mount``: the image is made over a mount of our own, into a directory nobody else uses.

nimwrap exports a staging directory it made for this run to this client's addresses only, the client mounts it and runs
mksysb there, detached, with its own status file. Nothing of NIM's handling of exports is involved; the finished file
is defined as a resource later, without mk_image.
"""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from nimwrap.aix import exportfs
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.hosts.client_channel import client_command
from nimwrap.hosts.script_batch import CLOCK
from nimwrap.images.kinds.registry import KINDS
from nimwrap.remedies.base import EXPORT_FAILED, STAGING_FAILED, ClientCleanup, ExportListing, Step, Work, order_of
from nimwrap.remedies.export_options import admitting_options
from nimwrap.remedies.undo import restore_command, undo_script

if TYPE_CHECKING:
    from nimwrap.preflight.check_context import CheckContext

MOUNT_FAILED = 90
CLIENT_VANISHED = 94


def client_room(run: str) -> str:
    """The directory on the client; mkdir of a fixed name fails if somebody else made it, so it is ours or nothing."""
    return f"/tmp/nimwrap.{run}"  # noqa: S108  mkdir without -p is what makes it safe


def remove_room(run: str) -> str:
    """Client command: nothing of the job is left; only after it is unmounted."""
    return f"rm -rf {client_room(run)}"


def start_on_client(run: str, prepare: str, mount: str, make: str, umount: str) -> str:
    """Client script: makes the room by ``prepare``, writes the job of the other three and starts it detached.

    mksysb wants one locale throughout (mksysb man page, aix-nim 6.4), so LC_ALL is unset for it.
    """
    room = client_room(run)
    job = f"""\
PATH=/usr/bin:/usr/sbin:/etc:/sbin:/bin; export PATH
unset LC_ALL; LANG=C; export LANG
trap '' HUP
cd {room} || exit 1
echo $$ > pid
{mount} > out 2>&1 < /dev/null
status=$?
if [ $status -eq 0 ]; then
  {make} >> out 2>&1 < /dev/null
  status=$?
else
  echo "mount ended with status $status" >> out
  status={MOUNT_FAILED}
fi
{umount} > umount.out 2>&1 < /dev/null
echo $status > rc.new && mv rc.new rc
"""
    return f"""\
umask 077
{prepare} || exit 1
cat > {room}/job <<'NIMWRAP_JOB'
{job}NIMWRAP_JOB
nohup /usr/bin/ksh {room}/job < /dev/null > /dev/null 2>&1 &
echo $! > {room}/pid
"""


def look_on_client(run: str) -> str:
    """Client script: status 0 and the job's own status as last line when it ended, 10 while it runs, 11 if it died."""
    room = client_room(run)
    return f"""\
cd {room} 2>/dev/null || exit 11
tail -c 1500 out 2>/dev/null
for again in 1 2; do
  if [ -f rc ]; then echo; echo "job ended $(cat rc)"; exit 0; fi
  ps -p "$(cat pid)" -o args= 2>/dev/null | grep "[n]imwrap[.]{run}/job" > /dev/null && exit 10
  sleep 1
done
if [ -f rc ]; then echo; echo "job ended $(cat rc)"; exit 0; fi
exit 11
"""


def clean_on_client(run: str) -> str:
    """Client script: prints the job's whole output (its last 100 kB), unmounts, removes the room.

    Status 12 when it may not: something still writes there, or the mount does not go. The names in the pattern are
    such that the script does not find itself.
    """
    room = client_room(run)
    return f"""\
[ -d {room} ] || exit 0
busy() {{ ps -ef | egrep "[n]imwrap[.]{run}/(job|mnt/)" > /dev/null; }}
waited=0
while busy && [ $waited -lt 5 ]; do sleep 1; waited=$((waited + 1)); done
if busy; then echo "something still writes below {room}"; exit 12; fi
tail -c 100000 {room}/out 2>/dev/null
cat {room}/umount.out 2>/dev/null
if mount | grep " {room}/mnt " > /dev/null; then umount {room}/mnt || umount -f {room}/mnt; fi
if mount | grep " {room}/mnt " > /dev/null; then echo "still mounted: {room}/mnt"; exit 12; fi
{remove_room(run)}
"""


def stage_script(staging: str, make: str, admit: str) -> str:
    """Master script: makes the staging directory, exports it and checks that the export took."""
    base, _, _ = staging.rpartition("/")
    directory = shlex.quote(staging)
    return f"""\
umask 077
[ -d {shlex.quote(base)} ] || mkdir -p {shlex.quote(base)} || exit {STAGING_FAILED}
{make} || exit {STAGING_FAILED}
{admit} || exit {EXPORT_FAILED}
/usr/sbin/exportfs | awk -v d={directory} '$1 == d {{ print $2; found = 1 }} END {{ exit !found }}' > applied.new \
  || {{ echo "exportfs does not list {staging} after exporting it"; exit {EXPORT_FAILED}; }}
{CLOCK} > applied_at
mv applied.new applied
"""


def command_text(plan: AttemptPlan, stage: str, start: str) -> str:
    """The operation's ``command``: export, start the client's job, wait for it, clean up on the client.

    ``stage`` is :func:`stage_script`'s text, ``start`` :func:`start_on_client`'s. The status is mksysb's own, or one
    of this module's. A look at the client that fails (its network is cut, nimsh is busy) is no answer, so the next
    one is awaited; the run's timeout bounds it. Only when it is not even known whether the job began, five looks
    without an answer end the operation. A file ``unclean`` says that the client's room may still be there.
    """
    start = client_command(plan.channel, plan.client_host, start, 60)
    look = client_command(plan.channel, plan.client_host, look_on_client(plan.run), 60)
    clean = client_command(plan.channel, plan.client_host, clean_on_client(plan.run), 120)
    return f"""\
{stage}
start() {{
{start}
}}
look() {{
{look}
}}
clean() {{
{clean}
}}
# What could not be cleared on the client is said beside the status: somebody has to come back for it.
leave() {{
  clean > clean.out 2>&1
  cat clean.out
  [ "$(status_in clean.out)" = nw_rc=0 ] || echo yes > unclean
  exit $1
}}
# The channel may add words of its own after the status line.
status_in() {{ tr -d '\\000\\015' < "$1" | grep '^nw_rc=' | tail -n 1; }}
start > start.out 2>&1
case $(status_in start.out) in
  nw_rc=0) known=yes ;;
  nw_rc=*) cat start.out; leave {MOUNT_FAILED} ;;
  *) known= ;;
esac
looks=0
status=
while [ -z "$status" ]; do
  if [ $looks -lt 20 ]; then sleep 1; elif [ $looks -lt 60 ]; then sleep 5; else sleep 20; fi
  looks=$((looks + 1))
  look > look.out 2>&1
  case $(status_in look.out) in
    nw_rc=0) status=$(tr -d '\\015' < look.out | awk '/^job ended / {{ s = $3 }} END {{ print s }}') ;;
    nw_rc=10) known=yes ;;
    nw_rc=11) status={CLIENT_VANISHED} ;;
    *) [ -n "$known" ] || [ $looks -lt 5 ] || {{ cat start.out; leave {MOUNT_FAILED}; }} ;;
  esac
  mv look.out client.out
done
[ $status -eq {CLIENT_VANISHED} ] && echo "the client's job is gone without a result: was the client rebooted?"
leave $status
"""


class OwnMount:
    """See :class:`nimwrap.remedies.base.Remedy`."""

    name = "own-mount"
    own_directory = True

    def obstacle(self, s: CheckContext) -> None:
        return None

    def plan(self, draft: AttemptPlan, work: Work, hosts: tuple[str, ...], exports: ExportListing) -> AttemptPlan:
        """The image is made in a directory of this run alone, beside the images, and moved from there."""
        staged = f"{work.policy.directory.rstrip('/')}/.nimwrap/{draft.run}/{PurePosixPath(draft.location).name}"
        plan = replace(draft, staged=staged)
        return replace(plan, exported=plan.directory, added=hosts, after=admitting_options(hosts))

    def steps(self, plan: AttemptPlan, work: Work) -> list[Step]:
        directory, room = plan.directory, client_room(plan.run)
        mount_point = f"{room}/mnt"
        make = KINDS[work.kind].on_client(order_of(plan, work), f"{mount_point}/{plan.image_name}")
        return [
            Step(plan.master, shlex.join(["mkdir", directory])),
            Step(plan.master, shlex.join(exportfs.export_argv(directory, plan.after or ""))),
            Step(plan.client_host, f"mkdir {room} && mkdir {mount_point}"),
            Step(plan.client_host, shlex.join(["mount", f"{plan.master_name}:{directory}", mount_point])),
            Step(plan.client_host, shlex.join(make)),
            Step(plan.client_host, f"umount {mount_point}"),
            Step(plan.client_host, remove_room(plan.run)),
            Step(plan.master, restore_command(directory, plan.before)),
        ]

    def command(self, plan: AttemptPlan, work: Work) -> str:
        stage, admit, prepare, mount, make, umount, *_ = (step.command for step in self.steps(plan, work))
        start = start_on_client(plan.run, prepare, mount, make, umount)
        return command_text(plan, stage_script(plan.directory, stage, admit), start)

    def undo(self, plan: AttemptPlan, applied: str = "") -> str:
        return undo_script(plan.directory, plan.added, plan.before, applied)

    def clean_client(self, plan: AttemptPlan) -> ClientCleanup:
        return ClientCleanup(client_room(plan.run), clean_on_client(plan.run))


REMEDY = OwnMount()
