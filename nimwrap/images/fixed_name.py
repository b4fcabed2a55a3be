"""``naming = "fixed"``: a proven image takes the name that recovery papers know, and the old one becomes dated.

The journal lies in ``SPOOL/RUN_ID/replace`` before the first step. ``resume`` reads it back and runs the same steps
again; a step that NIM refuses turns the whole replacement round.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from nimwrap.aix import ls, lsnim
from nimwrap.config.model import BackupPolicy
from nimwrap.domain.act import Act, ActName
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.names import dated_name, fixed_name, is_nim_name, is_safe_path
from nimwrap.domain.sighting import Difference, difference
from nimwrap.history.model import ImageRow
from nimwrap.hosts.script_batch import PREAMBLE, Answer, Question
from nimwrap.images import image_probe
from nimwrap.images.fixed_steps import (
    REFUSED,
    RenameStep,
    Replacement,
    backward,
    forget_script,
    forward,
    journal,
    journal_script,
    step_script,
)
from nimwrap.images.kinds.registry import KINDS, home
from nimwrap.images.sightings import look_script, read_sightings, recorded_identity
from nimwrap.master_context import MasterContext

_THERE, _NONE, _END = "nw there", "nw none", "nw end"
"""What the master says of a file: that it is there, or that it is not. Anything else says nothing."""


@dataclass(frozen=True)
class RenameResult:
    """``moved``: the fixed name now means the new image. Else ``reason``, and the image keeps its dated name.

    ``stuck``: neither forward nor back; the journal has to stay for the next recover.
    """

    moved: bool
    resource: str
    location: str
    reason: str = ""
    stuck: bool = False


def wanted(kind: str, policy: BackupPolicy) -> bool:
    return policy.naming == "fixed" and KINDS[kind].fixed_name


def take_fixed_name(context: MasterContext, image: ImageRow, run: str, now: datetime) -> RenameResult:
    """Give the fixed name to ``image``, which is proven and recorded under its dated one. The lock is the caller's.

    Raises ``master_unreachable`` when the connection was lost: the journal stays, and ``resume`` goes on from there.
    """
    change = _plan(context, image, run, now) if image.resource else f"{image.location} is no resource of NIM"
    if isinstance(change, str):
        context.note(run, "replace", f"the fixed name was not taken: {change}", at=now)
        return RenameResult(False, image.resource or "", image.location, change)
    if change.staged == change.place:
        return RenameResult(True, change.fixed, change.place)
    _script(context, journal_script(change, context.master.spool))
    return _go(context, change, now)


def resume(context: MasterContext, run: str, now: datetime) -> RenameResult | None:
    """Complete or roll back what a crash left of ``run``'s replacement; None when there is nothing of it."""
    path = shlex.quote(journal(context.master.spool, run))
    script = f"{PREAMBLE}if [ -f {path} ]; then echo {_THERE}; cat {path} && echo {_END}; else echo {_NONE}; fi\n"
    result = context.host.run(script)
    said = result.stdout.strip()
    if said == _NONE:
        return None
    if not (said.startswith(_THERE) and said.endswith(_END)):
        raise _lost(context)
    try:
        change = Replacement.from_json(said.removeprefix(_THERE).removesuffix(_END))
    except (ValueError, TypeError):
        return _unusable(context, run, f"{path} on the master cannot be understood and was left", now)
    paths = [change.place, change.staged, *([change.aside] if change.aside else [])]
    names = [change.fixed, change.new, *([change.old] if change.old else [])]
    if not all(map(is_safe_path, paths)) or not all(map(is_nim_name, names)):
        return _unusable(context, run, f"{path} on the master holds names that no nimwrap wrote; it was left", now)
    return _go(context, change, now)


def _unusable(context: MasterContext, run: str, why: str, now: datetime) -> RenameResult:
    """A journal that nobody can go by: nothing is planned over what may be half way, until a person has looked."""
    context.note(run, "replace", why, at=now)
    return RenameResult(False, "", "", why, stuck=True)


def _go(context: MasterContext, change: Replacement, now: datetime) -> RenameResult:
    if not change.backward:
        refused = _steps(context, change, forward(change), now)
        if refused is None:
            _record(context, change, now)
            _script(context, forget_script(change, context.master.spool))
            return RenameResult(True, change.fixed, change.place)
        change = replace(change, backward=True)
        _script(context, journal_script(change, context.master.spool))
    else:
        refused = "a step was refused before"
    stuck = _steps(context, change, backward(change), now)
    if stuck is not None:
        # The journal stays: the next recover tries again. The new image is whole and defined under its own name.
        return RenameResult(
            False, change.new, change.staged, f"{refused}; going back also stopped: {stuck}", stuck=True
        )
    _script(context, forget_script(change, context.master.spool))
    return RenameResult(False, change.new, change.staged, f"{refused}; {change.fixed} is as it was")


def _steps(context: MasterContext, change: Replacement, steps: list[RenameStep], now: datetime) -> str | None:
    """Run the steps in order; the refusal of the first that does not hold afterwards, None when all do."""
    for step in steps:
        result = context.host.run(step_script(change, step, context.master.spool), timeout=600)
        says = (result.stdout + result.stderr).strip()
        data = {"step": step.name, "returncode": result.returncode, "output": says[-4000:]}
        if result.unknown or result.returncode not in (
            0,
            REFUSED,
            None,
        ):  # the script itself was cut short: nothing is known about the step
            raise _lost(context)
        context.note(change.run, "replace", f"{change.fixed}: {step.name}", data, at=now)
        if result.returncode == REFUSED:
            return f"{step.name}: {says.splitlines()[-1] if says else 'without a word'}"
    return None


def _lost(context: MasterContext) -> NimwrapError:
    return master_unreachable(
        f"the connection to {context.master.name} was lost while an image was given its fixed name",
        "nimwrap recover goes on from where it stopped",
    )


def _script(context: MasterContext, script: str) -> None:
    result = context.host.run(script)
    if result.unknown:
        raise _lost(context)
    if result.failed:
        raise NimwrapError(
            f"{context.master.spool} on {context.master.name} cannot be written: {result.stderr.strip()}",
            hint="see its free space and permissions, then run nimwrap recover",
        )


def _plan(context: MasterContext, image: ImageRow, run: str, now: datetime) -> Replacement | str:
    """What is to change, from what stands on the master now; or why the name cannot be taken."""
    kind = KINDS[image.kind]
    policy = context.config.policy(context.master.name, image.client)
    fixed, type_ = fixed_name(image.client), kind.owner_type
    staged = image.location
    given = image_probe.ask(
        context.host,
        [
            Question("objects", shlex.join(lsnim.long_argv(type_=type_)), 120),
            Question("fixed", shlex.join(lsnim.long_argv(fixed)), 120),
        ],
    )
    objects = _objects(given, fixed)
    if isinstance(objects, str):
        return objects
    holder = objects.get(fixed)
    place = (holder and holder.first("location")) or f"{home(image.client, policy)}/{fixed}.{kind.extension}"
    if not is_safe_path(place):
        return f"{fixed} is defined at {place!r}, which is not a plain path"
    change = Replacement(
        run, image.client, image.kind, type_, fixed, place, image.resource or "", staged, image.size_bytes
    )
    directory = str(PurePosixPath(place).parent)
    files = _files_beside(context, place)
    if files is None:
        return change
    if theirs := _theirs(context, place):
        return f"{fixed} is not taken from {theirs}"
    name = _free_name(image.client, _age_of(context, place, holder, now), files, objects, kind.extension)
    aside = f"{directory}/{name}.{kind.extension}"
    return replace(change, aside=aside, old=name if holder is not None else None)


def _objects(given: dict[str, Answer], fixed: str) -> dict[str, lsnim.NimObject] | str:
    """NIM's objects of the kind by name; or why the name ``fixed`` cannot be had among them."""
    if given["objects"].unknown or given["objects"].failed:
        return "lsnim gave no answer"
    objects = lsnim.parse_long(given["objects"].output)
    holder = objects.get(fixed)
    if holder is None and given["fixed"].succeeded:
        return f"{fixed} is the name of another kind of NIM object"
    if holder is None and (given["fixed"].unknown or not lsnim.no_such_object(given["fixed"].output)):
        return f"lsnim does not say whether {fixed} is defined"
    if holder is not None and (holder.first("alloc_count") or "0") != "0":
        return f"{fixed} is allocated: NIM is serving it to a machine"
    return objects


def _files_beside(context: MasterContext, place: str) -> set[str] | None:
    """The names in the directory of the file at ``place``; None when the master says that there is no such file.

    Raises when it does not say so: a file that was not seen must not be taken for none, and be overwritten.
    """
    directory = str(PurePosixPath(place).parent)
    given = image_probe.ask(
        context.host,
        [
            Question("old", f"if [ -f {shlex.quote(place)} ]; then echo {_THERE}; else echo {_NONE}; fi", 60),
            # A file that vanishes meanwhile makes ls fail; what it listed counts all the same.
            Question("beside", f"{shlex.join(ls.argv(directory))}; echo {_END}", 120),
        ],
    )
    old, beside = given.get("old"), given.get("beside")
    if old is not None and old.output.strip() == _NONE:
        return None
    if old is None or beside is None or old.output.strip() != _THERE or not beside.output.strip().endswith(_END):
        raise _lost(context)
    return {PurePosixPath(entry.name).name for entry in ls.parse(beside.output)}


def _theirs(context: MasterContext, place: str) -> str | None:
    """Why the image at ``place`` is not to be moved: a person made it, or changed it since; None for one of ours."""
    row = context.queries.image_at(context.master.name, place)
    adopt = "nimwrap images import, then nimwrap images adopt, gives it to nimwrap"
    if row is None:
        return f"{place}, which nimwrap does not know; {adopt}"
    if not row.managed:
        return f"{place}, which is not managed; {adopt}"
    found = image_probe.ask(context.host, [Question("seen", look_script([place], context.master.spool), 60)]).get(
        "seen"
    )
    seen = read_sightings(found.output).places.get(place) if found is not None and not found.unknown else None
    if seen is None:
        raise _lost(context)
    differs = difference(recorded_identity(row), seen)
    return None if differs is Difference.NONE else f"{place}, which is not as it was recorded: {differs}"


def _free_name(client: str, moment: datetime, files: set[str], objects: dict[str, lsnim.NimObject], ext: str) -> str:
    """The dated name of the old image: that of its own making, or the next second that is free."""
    while (name := dated_name(client, moment)) in objects or f"{name}.{ext}" in files:
        moment += timedelta(seconds=1)
    return name


def _age_of(context: MasterContext, place: str, holder: lsnim.NimObject | None, now: datetime) -> datetime:
    """When the old image was made: as recorded, else as NIM says (its local time; only a name hangs on it)."""
    row = context.queries.image_at(context.master.name, place)
    if row is not None:
        return datetime.fromisoformat(row.created)
    said = (holder and holder.first("creation_date")) or ""
    try:
        return datetime.strptime(said, "%a %b %d %H:%M:%S %Y").replace(tzinfo=UTC)
    except ValueError:
        return now - timedelta(days=1)


def _record(context: MasterContext, change: Replacement, now: datetime) -> None:
    """Bring the rows to where the files are now; safe to run again. The old row goes first: a place holds one row."""
    new = context.queries.image_at(context.master.name, change.staged)
    old = context.queries.image_at(context.master.name, change.place)
    if new is None:
        return
    if old is not None and old.id != new.id:
        if change.aside is None:
            context.store.update_image(old.id, removal="removed", removed=now)
            gone = Act("replace", ActName.REMOVE, old.resource or old.location)
            context.note(change.run, gone, f"replaced by the image of {change.run}", {"image": old.id}, at=now)
        else:
            context.store.update_image(old.id, location=change.aside, resource=change.old)
    context.store.update_image(new.id, location=change.place, resource=change.fixed)
