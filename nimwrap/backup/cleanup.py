"""After a failure nothing may be left: no partial image, half-made resource, stale export or mount, stuck client.

Only what a comparison with the state before shows this run to have added is taken away; the rest is reported with
its command. Nothing of the image is touched before it is proven that nobody writes it any more.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from nimwrap.aix import exportfs, exports, lsnim, nim
from nimwrap.aix.text import Unrecognised
from nimwrap.backup.context import Site
from nimwrap.backup.operation import writers_left
from nimwrap.backup.plan import AttemptPlan
from nimwrap.history.read import Reader
from nimwrap.hosts.channel import SELF, client_command, parse_channel
from nimwrap.hosts.questions import PREAMBLE, Question, answers, questionnaire
from nimwrap.remedy import own_mount


@dataclass
class Cleaning:
    """``left``: what could not be cleaned, each with what to do about it; empty when nothing is left."""

    actions: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def clean_up(site: Site, plan: AttemptPlan) -> Cleaning:
    """Take away what a failed attempt left on the client and on the master, and say what could not be."""
    cleaning = Cleaning()
    if _is_good(site, plan):
        cleaning.left.append(f"{plan.location} is recorded as a good image; nothing of it is cleaned up")
        return cleaning
    writing = writers_left(site, plan, "after the failure: is the client still writing?")
    if writing is not False:
        why = "still writes the image" if writing else "does not answer, so it may still write the image"
        cleaning.left.append(f"{plan.client} {why}; {plan.staged} is left until `nimwrap recover` can prove otherwise")
    if plan.method == "own-mount" and writing is False:
        _clear_client(site, plan, cleaning)
    elif plan.channel != SELF:
        _unmount(site, plan)
    _plan_master(site, plan, cleaning, remove_image=writing is False)
    if cleaning.actions:
        result = site.act(plan.run, "clean up", PREAMBLE + "".join(f"{act}\n" for act in cleaning.actions), timeout=300)
        if result.returncode != 0:
            said = (result.stdout + result.stderr).strip()
            cleaning.left.append(f"cleaning up ended with {result.returncode}: {said}")
    return cleaning


def _clear_client(site: Site, plan: AttemptPlan, cleaning: Cleaning) -> None:
    """The room of own-mount's job, where the operation could not reach the client to clear it."""
    command = client_command(plan.channel, plan.client_host, own_mount.clean_on_client(plan.run), 120)
    result = site.act(plan.run, "clear what the operation left on the client", PREAMBLE + command, timeout=150)
    answer = parse_channel(result.stdout)
    if not answer.ok:
        said = (answer.output.strip().splitlines() or ["no answer"])[-1]
        cleaning.left.append(f"{plan.client}: {own_mount.client_room(plan.run)} could not be removed: {said}")


def _is_good(site: Site, plan: AttemptPlan) -> bool:
    """Whether the history has a proven image at this place: whatever failed, that one is never touched."""
    with Reader.open(site.config.database) as reader:
        row = reader.image_at(plan.master, plan.location)
    return row is not None and bool(row["verified"])


def _unmount(site: Site, plan: AttemptPlan) -> None:
    """NIM's own stale mount of the image directory on the client."""
    script = (
        f"mount | awk -v d={shlex.quote(plan.directory)} '$2 == d {{ print $3 }}' | while read point; do\n"
        '  umount "$point" || umount -f "$point"; done\n'
    )
    command = client_command(plan.channel, plan.client_host, script, 60)
    site.act(plan.run, "unmount what the operation left on the client", PREAMBLE + command, timeout=90)


def _plan_master(site: Site, plan: AttemptPlan, cleaning: Cleaning, *, remove_image: bool) -> None:
    nonce = f"clean{plan.number}"
    script = questionnaire(
        [
            Question("resource", shlex.join(lsnim.long_argv(plan.resource))),
            Question("client", shlex.join(lsnim.long_argv(plan.client))),
            Question("exports", shlex.join(exportfs.list_argv())),
        ],
        nonce,
    )
    found = answers(site.act(plan.run, "what did the failure leave?", script).stdout, nonce)
    if remove_image:
        if plan.resource and "resource" in found and found["resource"].ok:
            cleaning.actions.append(shlex.join(nim.remove(plan.resource)))
        cleaning.actions.append(f"rm -f {shlex.quote(plan.staged)}")
        if plan.staging:
            cleaning.actions.append(f"rmdir {shlex.quote(plan.staging)} 2>/dev/null")
            cleaning.actions.append(f"rmdir {shlex.quote(plan.staging.rpartition('/')[0])} 2>/dev/null || :")
    _exports_left(plan, found["exports"].output if "exports" in found else "", cleaning)
    _client_left(plan, found["client"].output if "client" in found else "", cleaning)


def _exports_left(plan: AttemptPlan, listing: str, cleaning: Cleaning) -> None:
    """NIM's export of the image directory, if it was not there before and admits nobody but this client."""
    if plan.directory in plan.had_exports or not listing.strip():
        return
    try:
        listed = {entry.directory: entry for entry in exports.parse_listing(listing)}
    except Unrecognised:
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


def _client_left(plan: AttemptPlan, text: str, cleaning: Cleaning) -> None:
    """The client's Cstate and the resources allocated to it, against what they were before."""
    try:
        client = lsnim.parse_long(text).get(plan.client)
    except Unrecognised:
        return
    if client is None:
        return
    before = set(plan.had_allocations)
    for kind in ("mksysb", "spot", "lpp_source", "bosinst_data", "image_data", "exclude_files"):
        for name in client.attributes.get(kind, ()):
            if f"{kind} = {name}" not in before:
                cleaning.actions.append(shlex.join(nim.deallocate(plan.client, kind, name)))
    if not client.ready and plan.had_cstate == "ready for a NIM operation":
        cleaning.actions.append(shlex.join(nim.reset(plan.client)))
