"""``images restore-plan``: the exact commands that bring a client back on this master, and what is missing for them."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import replace
from pathlib import PurePosixPath

from nimwrap.aix import lsnim, nim, nim_install
from nimwrap.aix.oslevel import Level
from nimwrap.domain.durations import format_duration, format_size, parse_rfc3339
from nimwrap.domain.local_time import local_text
from nimwrap.domain.names import NIM_NAME_LIMIT
from nimwrap.history.model import ImageRow
from nimwrap.images.kinds.base import ImageNames
from nimwrap.images.kinds.registry import kind_of
from nimwrap.images.restore.restore_facts import SPOT_BYTES, SPOT_DIRECTORY, RestoreFacts, level, level_of, suffices
from nimwrap.images.restore.restore_notes import (
    Note,
    alternatives,
    cluster_notes,
    earlier_machine_notes,
    other_machine_notes,
)
from nimwrap.images.restore.restore_records import RestorePlan, RestoreRequest, RestoreStep
from nimwrap.images.verification import file_fault, header_fault, host_fault

BOSINST_DIRECTORY = "/export/nim/bosinst"


def restore_plan(request: RestoreRequest, facts: RestoreFacts | None) -> RestorePlan:
    """The plan from what is recorded and, with ``facts``, from what the master has now."""
    known = facts or RestoreFacts()
    request = _named(request, known)
    row, target = request.image, request.target
    elsewhere = target != row.client
    spot, make_spot = _spot(row, known)
    plan = RestorePlan(row.client, target, row, spot, other_ways=alternatives(row, request.master_host))
    plan.copy = request.copy
    cluster = json.loads(request.run.cluster) if request.run and request.run.cluster else None
    plan.warnings += cluster_notes(row.client, cluster, elsewhere=elsewhere)
    plan.warnings += other_machine_notes(row.client, target) if elsewhere else []
    plan.warnings += earlier_machine_notes(row, request.siblings)
    _about_the_image(plan, request, known)
    _about_the_target(plan, known)
    plan.steps += _prepare(request, known)
    if make_spot:
        _about_room(plan, known)
        plan.steps.append(
            RestoreStep(
                f"make the SPOT {spot} from the image",
                shlex.join(make_spot),
                "Takes 10 minutes or more. It may be removed after the restore: nim -o remove " + spot,
                defines=spot,
            )
        )
    plan.steps += _bosinst_data(row, target, known, elsewhere)
    plan.steps += _install(request, known, spot)
    plan.steps += _afterwards(request)
    return plan


def _named(request: RestoreRequest, facts: RestoreFacts) -> RestoreRequest:
    """The request for a plain file with the name that it is to be defined by: NIM installs from resources only."""
    row = request.image
    if row.resource is not None or kind_of(row.kind).resource_type is None:
        return request
    stem = re.sub("[^A-Za-z0-9_-]", "_", PurePosixPath(row.location).stem)
    name = facts.resources.get(row.location) or _free(stem, facts.names)
    return replace(request, image=row._replace(resource=name), named_here=True)


def _about_the_image(plan: RestorePlan, request: RestoreRequest, facts: RestoreFacts) -> None:
    row, seen = plan.image, facts.seen
    age = format_duration((request.now - parse_rfc3339(row.created)).total_seconds())
    if row.outcome == "warning":
        plan.warnings.append(
            Note(
                f"the image ended with warnings (it is {age} old): some files may be missing in it",
                f"nimwrap show {row.run} tells which." if row.run else "",
            )
        )
    if not row.verified_full_at and "restore -T" not in row.verified_by:
        plan.warnings.append(
            Note("the image was never read to its end", f"nimwrap images verify --full {row.master}/{row.client}")
        )
    if seen is None:
        return
    from nimwrap.images.image_probe import Place

    place = Place(kind_of(row.kind), row.location, row.resource)
    fault = (
        file_fault(seen, place)
        or header_fault(seen, place, row.size_bytes)
        or host_fault(seen, row.node, row.machine_id)
    )
    if fault:
        plan.image_fault = fault.message
        plan.missing.append(Note(fault.message, "Take another image: nimwrap images list " + row.client))
    elif seen.size_bytes != row.size_bytes:
        plan.image_fault = f"the image has {seen.size_bytes} bytes now, {row.size_bytes} were recorded"
        plan.missing.append(Note(plan.image_fault, "Read it in full before you rely on it."))
    image, master = level(row.oslevel), facts.master_level
    if image and master and suffices(master, image) is False:
        plan.missing.append(
            Note(
                f"the master is at {master}, the image at {image}: a master must not be older",
                "Update the master, or restore from one that is new enough.",
            )
        )


def _about_the_target(plan: RestorePlan, facts: RestoreFacts) -> None:
    if facts.target_unknown:
        plan.missing.append(
            Note(
                f"NIM has no machine {plan.target}",
                "Define it: nim -o define -t standalone -a platform=chrp -a netboot_kernel=64 "
                f"-a if1='find_net {plan.target} 0' -a cable_type1=N/A {plan.target}",
            )
        )


def _about_room(plan: RestorePlan, facts: RestoreFacts) -> None:
    free = facts.spot_free_bytes
    if free is not None and free < SPOT_BYTES:
        plan.missing.append(
            Note(
                f"{SPOT_DIRECTORY} has {format_size(free)} free, a SPOT may need {format_size(SPOT_BYTES)}",
                "Enlarge the filesystem, or remove an old SPOT.",
            )
        )


def _spot(row: ImageRow, facts: RestoreFacts) -> tuple[str, list[str] | None]:
    """The SPOT to use, and the command that makes it where none is known to suffice.

    Of several the nearest above the image's level; one that only may suffice (its service pack is not known) comes
    after those that do, one below never.
    """
    image = level(row.oslevel)
    fitting: list[tuple[bool, Level, str]] = []
    for spot in facts.spots:
        at = level_of(spot)
        if image is None or at is None or (spot.first("Rstate") or "ready for use") != "ready for use":
            continue
        enough = suffices(at, image)
        if enough is not False:
            fitting.append((enough is None, at, spot.name))
    if fitting:
        return min(fitting)[2], None
    name = _free(f"spot_{row.oslevel or row.client}".replace(".", "_").replace("-", "_"), facts.names)
    return name, nim_install.define_spot(name, source=row.resource or "", location=SPOT_DIRECTORY)


def _free(name: str, taken: frozenset[str]) -> str:
    name = name[:NIM_NAME_LIMIT]
    number = 2
    free = name
    while free in taken:
        free = f"{name[: NIM_NAME_LIMIT - 4]}_{number}"
        number += 1
    return free


def _prepare(request: RestoreRequest, facts: RestoreFacts) -> list[RestoreStep]:
    row, target = request.image, request.target
    ref = request.ref
    pinned = row.id if request.named_here else row.resource or row.id
    steps = [
        RestoreStep(
            "keep nimwrap's hands off the client and the image",
            f"nimwrap hold {ref} --reason restore && nimwrap images pin {pinned}",
            "Undo both when the client is back: nimwrap release, nimwrap images unpin.",
            by_nimwrap=True,
        ),
        request.fetch
        or RestoreStep(
            "read the image to its end",
            f"nimwrap images verify {'--copies' if request.copy else '--full'} {ref}",
            "Minutes that are well spent.",
            optional=True,
            by_nimwrap=True,
        ),
    ]
    define = kind_of(row.kind).define(ImageNames(row.resource, row.location))
    unknown = facts.seen is not None and facts.seen.resource is None and row.location not in facts.resources
    if define and (unknown or request.fetch or request.on_paper):
        steps.append(
            RestoreStep(
                "define the image as a resource again",
                shlex.join(define),
                "NIM does not know it any more.",
                defines=row.resource or "",
            )
        )
    machine = facts.target
    if machine is None:
        return steps
    for type_, name in _allocated(machine):
        steps.append(
            RestoreStep(
                f"take {name} from {target}",
                shlex.join(nim.deallocate(target, type_, name)),
                "Left over from an earlier operation: make sure nobody is using it.",
            )
        )
    if not machine.ready:
        steps.append(
            RestoreStep(
                f"set {target} back to ready",
                shlex.join(nim.reset(target)),
                f"It is now: {machine.cstate}. Make sure no operation is really running.",
            )
        )
    return steps


def _allocated(machine: lsnim.NimObject) -> list[tuple[str, str]]:
    return [
        (type_, name)
        for type_ in ("mksysb", "spot", "lpp_source", "bosinst_data")
        for name in machine.attributes.get(type_, ())
    ]


def _bosinst_data(row: ImageRow, target: str, facts: RestoreFacts, elsewhere: bool) -> list[RestoreStep]:
    """Without bosinst_data the installation asks at the console: safe, and the default of this plan."""
    name = _free(f"{target}_bosinst"[:NIM_NAME_LIMIT], facts.names)
    file = f"{BOSINST_DIRECTORY}/{name}"
    there = f" NIM has already: {', '.join(facts.bosinst)}." if facts.bosinst else ""
    answers = "PROMPT = no, EXISTING_SYSTEM_OVERWRITE = yes" + (", RECOVER_DEVICES = no" if elsewhere else "")
    return [
        RestoreStep(
            "only for an installation that asks nothing: take the answers out of the image",
            f"mkdir -p {BOSINST_DIRECTORY} && cd {BOSINST_DIRECTORY} && "
            f"restore -xqf {shlex.quote(row.location)} ./bosinst.data && mv bosinst.data {file}",
            f"Then edit it: {answers}, and the target disks.{there}",
            True,
        ),
        RestoreStep(
            "and make them a resource",
            shlex.join(nim_install.define_bosinst_data(name, location=file)),
            f"Add -a bosinst_data={name} to the command below.",
            optional=True,
            defines=name,
        ),
    ]


def _install(request: RestoreRequest, facts: RestoreFacts, spot: str) -> list[RestoreStep]:
    row, target = request.image, request.target
    addresses = facts.addresses or {}
    client = addresses.get(request.target_host, request.target_host)
    server = addresses.get(request.master_host, request.master_host)
    return [
        RestoreStep(
            f"prepare the installation of {target}",
            shlex.join(nim_install.bos_inst(target, image=row.resource or "", spot=spot)),
            "Nothing is booted by this.",
        ),
        RestoreStep(
            f"boot {target} from the network",
            "",
            "On the HMC: activate it into SMS, Setup Remote IPL, the network adapter, BOOTP, "
            f"client {client}, server {server}, the gateway if they are in different networks; then ping from there, "
            "and boot from that adapter. While AIX still runs there: bootlist -m normal "
            f"entN bserver={server} client={client} && shutdown -Fr.",
        ),
        RestoreStep(
            "watch it",
            shlex.join(lsnim.long_argv(target)),
            "Cstate and info show how far it is. To give up: "
            f"{shlex.join(nim.reset(target))}; then deallocate what lsnim -c resources {target} lists.",
        ),
    ]


def _afterwards(request: RestoreRequest) -> list[RestoreStep]:
    row, target = request.image, request.target
    steps = [
        RestoreStep(
            f"look at {target} when it is back",
            "oslevel -s; lsvg -o; errpt | head; netstat -in",
            "On the client. The cpuid may have changed with the hardware: nim -o change -a cpuid= clears it.",
        )
    ]
    for other in request.others:
        hint = kind_of(other.kind).restore_hint(other.location, other.resource or other.location)
        if hint is not None:
            note = f"{hint.note}; made {local_text(other.created)}."
            steps.append(RestoreStep(hint.title, hint.command, note, optional=True))
    if target == row.client:
        steps.append(
            RestoreStep(
                "let nimwrap back it up again",
                f"nimwrap release {request.ref} && nimwrap backup {request.ref}",
                by_nimwrap=True,
            )
        )
    return steps
