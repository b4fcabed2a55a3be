"""From a proven file in the staging directory to a defined resource in its place; safe to run again at any point."""

from __future__ import annotations

import shlex

from nimwrap.aix import lsnim
from nimwrap.domain.attempt_plan import NAME_TAKEN, AttemptPlan
from nimwrap.hosts.protocol import CommandResult
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images.kinds.base import ImageNames
from nimwrap.images.kinds.registry import KINDS
from nimwrap.master_context import MasterContext
from nimwrap.remedies.base import Step


def place_steps(plan: AttemptPlan) -> list[Step]:
    """What comes after the proof of an image that nimwrap itself puts in its place; nothing for NIM's own."""
    if not plan.staging and KINDS[plan.kind].defines_itself:
        return []
    define = _define(plan)
    moved = [Step(plan.master, command) for command in _second_name(plan)] if plan.staging else []
    return [*moved, *([Step(plan.master, define)] if define else [])]


def _second_name(plan: AttemptPlan) -> tuple[str, str]:
    """The move inside one file system: a second name, which never goes over another file, and the first one away."""
    return shlex.join(["ln", plan.staged, plan.location]), shlex.join(["rm", "-f", plan.staged])


def _define(plan: AttemptPlan) -> str | None:
    define = KINDS[plan.kind].define(ImageNames(plan.resource or None, plan.location))
    return shlex.join(define) if define else None


BUSY = 75
"""Status when an earlier process of ours is still copying the image."""


def _moved(plan: AttemptPlan) -> str:
    """Shell text that brings the staged file to its location: never over another, and never half.

    A second name is the move inside one file system; across two the file is copied under a name of its own first.
    """
    location, staged = shlex.quote(plan.location), shlex.quote(plan.staged)
    copying = shlex.quote(f"{plan.room}/copying")
    return f"""\
inode() {{ ls -i "$1" | awk '{{ print $1 }}'; }}
if [ -f {copying} ] && kill -0 "$(cat {copying})" 2>/dev/null; then echo 'it is still being copied'; exit {BUSY}; fi
if [ -f {staged} ]; then
  if [ -f {location} ]; then
    [ "$(inode {staged})" = "$(inode {location})" ] || {{ echo {shlex.quote(NAME_TAKEN)}; exit 1; }}
  elif ln {staged} {location} 2>/dev/null; then :
  else
    echo $$ > {copying}
    cp -p {staged} {location}.new && [ ! -f {location} ] && mv {location}.new {location} \\
      || {{ rm -f {location}.new {copying}; echo 'the image could not be copied to its place'; exit 1; }}
    rm -f {copying}
  fi
  rm -f {staged}
fi
"""


def put_in_place(context: MasterContext, plan: AttemptPlan) -> CommandResult:
    """Move the staged file to its location, define it as a resource unless it is, and remove the staging directory.

    At every instant the image exists whole under one of its two names.
    """
    directory = shlex.quote(plan.location.rpartition("/")[0])
    location = shlex.quote(plan.location)
    lines = [PREAMBLE]
    if plan.staging:
        staging = shlex.quote(plan.staging)
        lines.append(
            f"[ -d {directory} ] || mkdir -p {directory} || exit 1\n"
            f"{_moved(plan)}"
            f"[ -f {location} ] || {{ echo 'the image is neither staged nor in its place'; exit 1; }}\n"
            f"rmdir {staging} 2>/dev/null; rmdir {shlex.quote(plan.staging.rpartition('/')[0])} 2>/dev/null\n"
        )
    define = _define(plan)
    if define is not None:
        known = shlex.join(lsnim.long_argv(plan.resource))
        lines.append(f"{known} > /dev/null 2>&1 || {define}\n")
    return context.act(plan.run, "put the image in its place and define it", "".join(lines), timeout=600)
