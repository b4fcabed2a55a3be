"""What is said to a user whose targets mean no client: exit 2, every one of them at once, with the nearest name."""

from __future__ import annotations

import json

from nimwrap.clients.known_clients import KnownClients
from nimwrap.clients.selection import Selection, Unresolved, UnresolvedReason
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.did_you_mean import did_you_mean
from nimwrap.domain.errors import NimwrapError, Problem
from nimwrap.domain.groups import Groups
from nimwrap.domain.names import is_nim_name
from nimwrap.domain.ref import MASTER, ClientRef
from nimwrap.domain.target_names import GROUP, is_glob, shown

_LIKENESS = 0.5


def all_resolved(selection: Selection, known: KnownClients, groups: Groups) -> tuple[ClientRef, ...]:
    """The clients selected, by a command that works on them; a usage error when any target means none, or several."""
    _refuse(selection.unresolved, known, groups)
    return selection.refs


def any_resolved(selection: Selection, known: KnownClients, groups: Groups) -> tuple[ClientRef, ...]:
    """The clients selected, by a command that only looks; a usage error when a target that was written means none.

    A member of a group may be unknown to the history, and a name may be known to several masters.
    """
    _refuse(
        tuple(each for each in selection.unresolved if not (each.candidates or _unknown_member(each))), known, groups
    )
    return selection.all_of_a_name


def usage_problem(each: Unresolved, known: KnownClients, groups: Groups) -> Problem:
    """One unresolved target in words, and what to write instead."""
    message, hint = _told(each, known, groups)
    if each.group:
        message = f"group {shown(each.group)}: {message}"
    plain = is_nim_name(each.target.rpartition("/")[2])
    return Problem("usage", message, hint, each.target if plain else None)


def _unknown_member(each: Unresolved) -> bool:
    return bool(each.group) and each.reason is not UnresolvedReason.UNKNOWN_GROUP


def _refuse(unresolved: tuple[Unresolved, ...], known: KnownClients, groups: Groups) -> None:
    if not unresolved:
        return
    first, *more = [usage_problem(each, known, groups) for each in unresolved]
    raise NimwrapError(first.message, first.code, first.hint, ExitCode.USAGE, first.client, more)


def _told(each: Unresolved, known: KnownClients, groups: Groups) -> tuple[str, str]:
    target = each.target
    if each.reason is UnresolvedReason.UNKNOWN_GROUP:
        name = target.removeprefix(GROUP)
        near = did_you_mean(name, groups, f"{GROUP}{{}}", 2, _LIKENESS)
        return f"there is no group {shown(name)}", near or "groups stand in [groups] of the configuration"
    if each.reason is UnresolvedReason.AMBIGUOUS:
        choice = " or ".join(str(ref) for ref in each.candidates)
        return f"{len(each.candidates)} masters know a client {shown(target)}", f"write {choice}"
    if each.reason is UnresolvedReason.NO_IMAGE_OF_MASTER:
        from nimwrap.images.kinds.registry import kinds_for

        hint = f"name its kinds: [clients.{MASTER}] kinds = {json.dumps(kinds_for([MASTER]))}"
        return "no image of the master itself is configured", hint
    names = dict.fromkeys(str(ref) if "/" in target else ref.client for ref in known.refs)
    hint = did_you_mean(target, names, at_most=2, likeness=_LIKENESS)
    if not names:
        hint = "no client is known here yet; `nimwrap status --refresh` asks the masters"
    verb = "matches" if is_glob(target) else "is called"
    return f"no client {verb} {shown(target)}", hint or "`nimwrap status` lists the clients that are known"
