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
from nimwrap.aix.mount import nfs_argv
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.hosts.client_channel import client_command
from nimwrap.hosts.fan_out import program
from nimwrap.hosts.piecewise import bounded
from nimwrap.hosts.script_batch import CLOCK
from nimwrap.images.kinds.registry import KINDS
from nimwrap.remedies.base import (
    EXPORT_FAILED,
    JOB_LOST,
    STAGING_FAILED,
    ClientCleanup,
    ExportListing,
    Step,
    Work,
    order_of,
)
from nimwrap.remedies.client_job import (
    MOUNT_FAILED,
    NOT_HERE,
    begin_on_client,
    clean_on_client,
    client_room,
    delivery_name,
    held_command,
    look_on_client,
    prepare_on_client,
    remove_room,
)
from nimwrap.remedies.export_options import admitting_options
from nimwrap.remedies.undo import restore_command, undo_script

if TYPE_CHECKING:
    from nimwrap.preflight.check_context import CheckContext

_EARLY = 60
"""Looks, which are some four minutes: a job that is gone by then was ended with the request that started it."""


def stage_script(staging: str, make: str, admit: str) -> str:
    """Master script: makes the staging directory, exports it and checks that the export took.

    The directory of the images, where it is not there yet, has the umask of the login; what lies below it is private.
    """
    base, _, _ = staging.rpartition("/")
    home, directory = shlex.quote(base.rpartition("/")[0]), shlex.quote(staging)
    return f"""\
[ -d {home} ] || mkdir -p {home} || exit {STAGING_FAILED}
umask 077
[ -d {shlex.quote(base)} ] || mkdir -p {shlex.quote(base)} || exit {STAGING_FAILED}
{make} || exit {STAGING_FAILED}
{admit} || exit {EXPORT_FAILED}
/usr/sbin/exportfs | awk -v d={directory} '$1 == d {{ print $2; found = 1 }} END {{ exit !found }}' > applied.new \
  || {{ echo "exportfs does not list {staging} after exporting it"; exit {EXPORT_FAILED}; }}
{CLOCK} > applied_at
mv applied.new applied
"""


_FUNCTIONS = f"""\
# What could not be cleared on the client is said beside the status: somebody has to come back for it.
leave() {{
  clean > clean.out 2>&1
  cat clean.out
  [ "$(status_in clean.out)" = nw_rc=0 ] || echo yes > unclean
  exit $1
}}
# The channel may add words of its own after the status line.
status_in() {{ tr -d '\\000\\015' < "$1" | grep '^nw_rc=' | tail -n 1; }}
# The job's status in $status, {JOB_LOST} for a job that is gone; $looks says how long that took.
await() {{
  looks=0
  status=
  while [ -z "$status" ]; do
    if [ $looks -lt 20 ]; then sleep 1; elif [ $looks -lt {_EARLY} ]; then sleep 5; else sleep 20; fi
    looks=$((looks + 1))
    look > look.out 2>&1
    case $(status_in look.out) in
      nw_rc=0) status=$(tr -d '\\015' < look.out | awk '/^job ended / {{ s = $3 }} END {{ print s }}') ;;
      nw_rc=10) known=yes ;;
      nw_rc=11) status={JOB_LOST} ;;
      *) [ -n "$known" ] || [ $looks -lt 5 ] || {{ cat start.out; leave {MOUNT_FAILED}; }} ;;
    esac
    mv look.out client.out
  done
}}
"""
"""Shell functions of the operation, beside ``begin``, ``held``, ``look`` and ``clean``, which talk to the client."""


def command_text(plan: AttemptPlan, stage: str, prepare: str) -> str:
    """The operation's ``command``: export, start the client's job, wait for it, clean up on the client.

    ``stage`` is :func:`stage_script`'s text, ``prepare`` :func:`prepare_on_client`'s. The status is mksysb's own, or
    one of this module's. A job that is gone in its first minutes was ended with the request that started it: the next
    of ``plan.job_ways`` is tried at once, and lines ``nw_job_lost=WAY`` and ``nw_job_way=WAY`` say so. A job that is
    gone because the whole operation is being ended (``ended_by``) is never started again.

    A look at the client that fails (its network is cut, nimsh is busy) is no answer, so the next one is awaited; the
    run's timeout bounds it. Only when it is not even known whether the job began, five looks without an answer end the
    operation. A file ``unclean`` says that the client's room may still be there.
    """
    run, route, host, name = plan.run, plan.channel, plan.client_host, delivery_name(plan.run)
    scripts = {way: begin_on_client(run, way, again=way != plan.job_ways[0]) for way in plan.job_ways}
    scripts[plan.job_ways[0]] = prepare + scripts[plan.job_ways[0]]
    begin = "".join(f"{way}) {client_command(route, host, text, 60, name)}\n;;\n" for way, text in scripts.items())
    held = bounded(f"{shlex.join([*program(route).split(), host, held_command(run)])}", plan.timeout_s)
    return f"""\
{stage}
begin() {{ case $1 in
{begin}esac; }}
held() {{
{held}
}}
look() {{
{client_command(route, host, look_on_client(run), 60, name)}
}}
clean() {{
{client_command(route, host, clean_on_client(run), 120, name)}
}}
{_FUNCTIONS}known=
status={JOB_LOST}
for way in {" ".join(plan.job_ways)}; do
  [ ! -f ended_by ] || break
  begin $way > start.out 2>&1
  case $(status_in start.out) in
    nw_rc=0) known=yes ;;
    nw_rc={NOT_HERE}) continue ;;
    nw_rc=*) cat start.out; leave {MOUNT_FAILED} ;;
  esac
  if [ $way = held ]; then held > held.out 2>&1 & sleep 1; fi
  await
  if [ $status -ne {JOB_LOST} ]; then echo "nw_job_way=$way"; break; fi
  [ ! -f ended_by ] || break
  echo "nw_job_lost=$way"
  [ $looks -lt {_EARLY} ] || break
done
[ $status -eq {JOB_LOST} ] && echo "the client's job is gone without a result, or could not be started"
leave $status
"""


def _mounting(plan: AttemptPlan, *, careful: bool) -> list[str]:
    return nfs_argv(f"{plan.master_name}:{plan.directory}", f"{client_room(plan.run)}/mnt", careful=careful)


class OwnMount:
    """See :class:`nimwrap.remedies.base.Remedy`."""

    name = "own-mount"
    own_directory = True

    def obstacle(self, s: CheckContext) -> None:
        return None

    def plan(self, draft: AttemptPlan, work: Work, hosts: tuple[str, ...], exports: ExportListing) -> AttemptPlan:
        """The image is made in a directory of this run alone, beside the client's images, and moved from there.

        So it lies in their file system, also where each client has one of its own. Where their directory is exported
        itself, nothing below it can be, and the place is beside it.
        """
        location = PurePosixPath(draft.location)
        home = str(location.parent)
        if home in draft.had_exports:
            home = work.policy.directory.rstrip("/")
        plan = replace(draft, staged=f"{home}/.nimwrap/{draft.run}/{location.name}")
        return replace(plan, exported=plan.directory, added=hosts, after=admitting_options(hosts))

    def steps(self, plan: AttemptPlan, work: Work) -> list[Step]:
        directory, room = plan.directory, client_room(plan.run)
        mount_point = f"{room}/mnt"
        make = KINDS[work.kind].on_client(order_of(plan, work), f"{mount_point}/{plan.image_name}")
        return [
            Step(plan.master, shlex.join(["mkdir", directory])),
            Step(plan.master, shlex.join(exportfs.export_argv(directory, plan.after or ""))),
            Step(plan.client_host, f"mkdir {room} && mkdir {mount_point}"),
            Step(plan.client_host, shlex.join(_mounting(plan, careful=True))),
            Step(plan.client_host, shlex.join(make)),
            Step(plan.client_host, f"umount {mount_point}"),
            Step(plan.client_host, remove_room(plan.run)),
            Step(plan.master, restore_command(directory, plan.before)),
        ]

    def command(self, plan: AttemptPlan, work: Work) -> str:
        stage, admit, prepare, mount, make, umount, *_ = (step.command for step in self.steps(plan, work))
        # What refuses the options, or serves another version only, is asked for whatever it takes.
        mount += f" || {shlex.join(_mounting(plan, careful=False))}"
        prepared = prepare_on_client(plan.run, prepare, mount, make, umount)
        return command_text(plan, stage_script(plan.directory, stage, admit), prepared)

    def undo(self, plan: AttemptPlan, applied: str = "") -> str:
        return undo_script(plan.directory, plan.added, plan.before, applied)

    def clean_client(self, plan: AttemptPlan) -> ClientCleanup:
        return ClientCleanup(client_room(plan.run), clean_on_client(plan.run))


REMEDY = OwnMount()
