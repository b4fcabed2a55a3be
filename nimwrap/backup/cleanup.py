"""After a failure nothing may be left: no partial image, half-made resource, stale export or mount, stuck client.

Only what a comparison with the state before shows this run to have added is taken away; the rest is reported with
its command. Nothing of the image is touched before it is proven that nobody writes it any more.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from nimwrap.aix import etc_exports, exportfs, lsnim, nim
from nimwrap.aix.text import Unrecognised
from nimwrap.backup import nim_line
from nimwrap.backup.operation import writers_left
from nimwrap.domain.attempt_plan import AttemptPlan
from nimwrap.history.model import ImageRow
from nimwrap.hosts.channel_route import SELF
from nimwrap.hosts.client_channel import client_command, parse_channel
from nimwrap.hosts.script_batch import PREAMBLE, Answer, Question, answers, questionnaire
from nimwrap.master_context import MasterContext
from nimwrap.remedies.registry import remedy


@dataclass(frozen=True)
class EndSeen:
    """The client when its attempt ended: only what stood there then may be this operation's, and taken away later.

    ``mounts`` and ``allocated`` name what was beside the state of before; empty, too, when nobody knew.
    """

    cstate: str = ""
    allocated: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> EndSeen:
        """The inverse; nothing was seen when ``text`` is not one."""
        try:
            stored = json.loads(text)
            return cls(str(stored["cstate"]), tuple(stored["allocated"]), tuple(stored["mounts"]))
        except (ValueError, KeyError, TypeError):
            return cls()


NOTHING_SEEN = EndSeen()


@dataclass
class Cleaning:
    """``left``: what could not be cleaned, each with what to do about it; empty when nothing is left.

    ``seen``: the client as it is now, for whoever comes back for what is left.
    """

    actions: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    seen: EndSeen = NOTHING_SEEN
    begun: bool = True


def clean_up(context: MasterContext, plan: AttemptPlan, *, late: EndSeen | None = None, begun: bool = True) -> Cleaning:
    """Take away what a failed attempt left on the client and on the master, and say what could not be.

    Where nothing was ``begun`` on the client, NIM's state of it is somebody else's.

    While the client still writes, or does not say that it does not, nothing is pulled from below it: neither mount nor
    export nor NIM's own state is touched, and all of it is left to recover.
    """
    cleaning = Cleaning(begun=begun)
    if recorded_image(context, plan) is not None:
        cleaning.left += clear_client(context, plan)
        return cleaning
    writing = writers_left(context, plan, "after the failure: is the client still writing?")
    if writing is not False:
        why = "still writes the image" if writing else "does not answer, so it may still write the image"
        everything = f"{plan.staged}, its mount, its export and the client's Cstate are left as they are"
        cleaning.left.append(f"{plan.client} {why}; {everything} until `nimwrap recover` finds it at its end")
        cleaning.seen = late or _seen_now(context, plan, ask_client=bool(writing))
        return cleaning
    cleaning.left += clear_client(context, plan)
    if remedy(plan.method).clean_client(plan) is None and plan.channel != SELF:
        cleaning.left += _unmount(context, plan, late)
    _plan_master(context, plan, cleaning, late)
    if cleaning.actions:
        result = context.act(
            plan.run, "clean up", PREAMBLE + "".join(f"{act}\n" for act in cleaning.actions), timeout=300
        )
        if result.unknown or result.failed:
            said = (result.stdout + result.stderr).strip()
            how = "was cut off" if result.unknown else f"ended with {result.returncode}"
            cleaning.left.append(f"cleaning up {how}: {said}")
    return cleaning


def clear_client(context: MasterContext, plan: AttemptPlan) -> list[str]:
    """What the plan's remedy left on the client, where the operation could not clear it; why it is still there.

    The client itself refuses while anything of the job writes below it.
    """
    there = remedy(plan.method).clean_client(plan)
    if there is None:
        return []
    command = client_command(plan.channel, plan.client_host, there.script, 120)
    result = context.act(plan.run, "clear what the operation left on the client", PREAMBLE + command, timeout=150)
    answer = parse_channel(result.stdout)
    if answer.succeeded:  # when nobody knows, it is told as left: recover comes back for it
        return []
    said = (answer.output.strip().splitlines() or ["no answer"])[-1]
    return [f"{plan.client}: {there.path} could not be removed: {said}"]


def recorded_image(context: MasterContext, plan: AttemptPlan) -> ImageRow | None:
    """The image of this attempt that the history has, wherever it lies by now: whatever failed, it is never touched.

    An image that could not take its place is recorded where it was made, one with NIM_MKSYSB_SUBDIRS where NIM put it,
    one under a fixed name at that. An attempt that made an image is the last of its run.
    """
    images = context.queries.images(plan.master)
    attempts = context.queries.attempts([plan.run])
    last = max((int(row.number) for row in attempts), default=plan.number)
    places = {plan.location, plan.staged}
    return next(
        (
            row
            for row in images
            if row.location in places
            or (plan.resource and row.resource == plan.resource)
            or (row.run == plan.run and plan.number == last)
        ),
        None,
    )


def _seen_now(context: MasterContext, plan: AttemptPlan, *, ask_client: bool) -> EndSeen:
    """What there is to be cleaned up later; of the client only what can be seen."""
    known = context.act(plan.run, "the client at the end", PREAMBLE + shlex.join(lsnim.long_argv(plan.client)))
    mounts: list[str] = []
    if ask_client and plan.had_mounts is not None:
        look = f"mount | awk -v d={shlex.quote(plan.directory)} '$2 == d {{ print \"at \" $3 }}'\n"
        command = client_command(plan.channel, plan.client_host, look, 60)
        told = parse_channel(context.act(plan.run, "its mounts at the end", PREAMBLE + command, timeout=90).stdout)
        points = [line.removeprefix("at ") for line in told.output.splitlines() if line.startswith("at /")]
        mounts = [point for point in points if point not in plan.had_mounts]
    return EndSeen(_cstate(plan, known.stdout), tuple(_allocated_since(plan, known.stdout)), tuple(mounts))


def _allocated_since(plan: AttemptPlan, text: str) -> list[str]:
    """``kind = name`` of each resource that is allocated to the client and was not before the attempt."""
    try:
        client = lsnim.parse_long(text).get(plan.client)
    except Unrecognised:
        return []
    kinds = ("mksysb", "spot", "lpp_source", "bosinst_data", "image_data", "exclude_files")
    found = [f"{kind} = {name}" for kind in kinds for name in (client.attributes.get(kind, ()) if client else ())]
    return [pair for pair in found if pair not in plan.had_allocations]


def _unmount(context: MasterContext, plan: AttemptPlan, late: EndSeen | None) -> list[str]:
    """NIM's own stale mount of the image directory on the client, never one that was there before; what remains."""
    before = "|".join(shlex.quote(point) for point in plan.had_mounts or ())
    skip = f"  case $point in {before}) continue;; esac\n" if before else ""
    take = '  umount "$point" || umount -f "$point"\n' if plan.had_mounts is not None else "  :\n"
    if late is not None:  # what the end did not see is somebody else's
        seen = "|".join(shlex.quote(point) for point in late.mounts)
        take = f"  case $point in {seen}) {take.strip()};; esac\n" if seen else "  :\n"
    each = f"mount | awk -v d={shlex.quote(plan.directory)} '$2 == d {{ print $3 }}' | while read point; do\n{skip}"
    script = f'{each}{take}done\n{each}  echo "left $point"\ndone\necho asked\n'
    command = client_command(plan.channel, plan.client_host, script, 60)
    result = context.act(plan.run, "unmount what the operation left on the client", PREAMBLE + command, timeout=90)
    lines = parse_channel(result.stdout).output.splitlines()
    if "asked" not in lines:
        return [f"{plan.client} does not say whether it still has {plan.directory} mounted; see there: mount"]
    points = [line.removeprefix("left ") for line in lines if line.startswith("left /")]
    unsure = "" if plan.had_mounts is not None else ", perhaps since before the backup; look"
    return [f"{plan.client} has {plan.directory} mounted on {point}{unsure}: umount {point}" for point in points]


def _plan_master(context: MasterContext, plan: AttemptPlan, cleaning: Cleaning, late: EndSeen | None) -> None:
    nonce = f"clean{plan.number}"
    script = questionnaire(
        [
            Question("resource", shlex.join(lsnim.long_argv(plan.resource))),
            Question("client", shlex.join(lsnim.long_argv(plan.client))),
            Question("exports", shlex.join(exportfs.list_argv())),
            *nim_line.question(plan),
        ],
        nonce,
    )
    found = answers(context.act(plan.run, "what did the failure leave?", script).stdout, nonce)
    if why := _not_told(plan, found):
        cleaning.left.append(f"{why}: nothing was taken away on {plan.master}; `nimwrap recover` asks again")
        return
    if plan.resource and found["resource"].succeeded:  # when nobody knows, it was told above
        cleaning.actions.append(shlex.join(nim.remove(plan.resource)))
    # viosbr adds .tar.gz to the name that it is given (aix-audit, row 7).
    cleaning.actions.append(f"rm -f {shlex.quote(plan.staged)} {shlex.quote(f'{plan.staged}.tar.gz')}")
    if plan.staging:
        cleaning.actions.append(f"rmdir {shlex.quote(plan.staging)} 2>/dev/null")
        cleaning.actions.append(f"rmdir {shlex.quote(plan.staging.rpartition('/')[0])} 2>/dev/null || :")
    client = found["client"].output
    now = _cstate(plan, client)
    if late is not None and now and not lsnim.is_ready(now) and now != late.cstate:
        cleaning.left.append(f"{plan.client} is at another operation by now; what is left on the master waits for it")
        return
    _exports_left(plan, found["exports"].output, cleaning)
    take_out, told = nim_line.left_by_nim(plan, found.get("standing"))
    cleaning.actions += [take_out] if take_out else []
    cleaning.left += [told] if told else []
    cleaning.seen = late or EndSeen(_cstate(plan, client), tuple(_allocated_since(plan, client)))
    _client_left(plan, client, cleaning, late)


def _not_told(plan: AttemptPlan, found: Mapping[str, Answer]) -> str:
    """What the master did not say, or not in words that are known, about what the failure left; empty when all."""
    for name, command in (("resource", f"lsnim -l {plan.resource}"), ("client", "lsnim -l"), ("exports", "exportfs")):
        if name == "resource" and not plan.resource:
            continue
        answer = found.get(name)
        if answer is None or answer.unknown:
            return f"`{command}` gave no answer"
        if answer.failed and (name != "resource" or not lsnim.no_such_object(answer.output)):
            return f"`{command}` ended with {answer.returncode}: {answer.output.strip()[:200]}"
    return ""


def _cstate(plan: AttemptPlan, text: str) -> str:
    """The client's Cstate from ``lsnim -l``, empty when it does not say."""
    try:
        client = lsnim.parse_long(text).get(plan.client)
    except Unrecognised:
        return ""
    return (client.cstate if client else None) or ""


def _exports_left(plan: AttemptPlan, listing: str, cleaning: Cleaning) -> None:
    """NIM's export of the image directory, if it was not there before and admits nobody but this client."""
    if plan.directory in plan.had_exports or not listing.strip():
        return
    try:
        listed = {entry.directory: entry for entry in etc_exports.parse_listing(listing)}
    except Unrecognised:
        if plan.directory in listing:
            cleaning.left.append(f"{plan.directory} may be exported, and was not before; look: exportfs")
        return
    left = listed.get(plan.directory)
    if left is None:
        return
    ours = {plan.client, plan.client_host, *plan.added}
    strangers = set(left.hosts("access")) - ours
    if left.hosts("access") and not strangers:
        cleaning.actions.append(shlex.join(exportfs.unexport_argv(plan.directory)))
    else:
        cleaning.left.append(f"{plan.directory} is exported and was not before: {left.text}; look, then exportfs -u it")


def _client_left(plan: AttemptPlan, text: str, cleaning: Cleaning, late: EndSeen | None) -> None:
    """The client's Cstate and the resources allocated to it, against what they were before."""
    try:
        client = lsnim.parse_long(text).get(plan.client)
    except Unrecognised:
        client = None
    if client is None:
        cleaning.left.append(f"lsnim does not say how {plan.client} stands; look: lsnim -l {plan.client}")
        return
    since = [pair.partition(" = ") for pair in _allocated_since(plan, text)]
    for kind, _, name in since:
        if name == plan.resource and (late is None or f"{kind} = {name}" in late.allocated):
            cleaning.actions.append(shlex.join(nim.deallocate(plan.client, kind, name)))
    # Making an image allocates nothing but itself: whoever allocated the others has begun something of his own.
    others = [name for _, _, name in since if name != plan.resource]
    ours = cleaning.begun and lsnim.is_ready(plan.had_cstate) and not others
    if not client.ready and ours and (late is None or client.cstate == late.cstate):
        cleaning.actions.append(shlex.join(nim.reset(plan.client)))
    elif not client.ready and others:
        cleaning.left.append(
            f"{plan.client} is not ready, and {', '.join(others)} was allocated to it meanwhile: somebody else's"
            f" operation is left as it is; look: lsnim -l {plan.client}"
        )
