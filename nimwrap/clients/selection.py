"""From what the user wrote to clients: a name, ``master/client``, a glob of either, or ``group:NAME``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from nimwrap.config.model import Config
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError, Problem, usage_error
from nimwrap.domain.ref import ClientRef
from nimwrap.domain.target_names import GROUP, is_glob, matches, members_of, shown, unknown_client
from nimwrap.images.kinds.registry import MASTER, kinds_for


def resolve(
    config: Config,
    inventories: Mapping[str, Sequence[str]],
    targets: Iterable[str],
    *,
    all_: bool = False,
    groups: Iterable[str] = (),
) -> list[ClientRef]:
    """The clients meant, each once, in the order asked for. Excluded ones are among them: they are to be listed.

    ``inventories`` holds the client names by master. Raises a usage error that lists every target which means
    nothing, with the nearest name, before anything is started.
    """
    wanted = [*targets, *(f"{GROUP}{group}" for group in groups)]
    known = [ClientRef(master, client) for master, clients in inventories.items() for client in clients]
    found = list(known) if all_ else []
    problems = []
    for target in dict.fromkeys(wanted):
        try:
            found += _meant(config, known, target)
        except NimwrapError as error:
            problems.append(error)
    if problems:
        raise _together(problems)
    if not wanted and not all_:
        raise usage_error("no client was named", hint="name clients, groups as group:NAME, or --all")
    return list(dict.fromkeys(found))


def unreachable_masters(
    config: Config, masters: Iterable[str], targets: Iterable[str], *, all_: bool = False, groups: Iterable[str] = ()
) -> list[str]:
    """Those of ``masters``, of which nobody knows a client yet, that ``all`` or a glob may mean clients of."""
    names = [*targets, *(f"{GROUP}{group}" for group in groups)]
    globs = [name for target in names for name in members(config, target) if is_glob(name)]
    return [
        master
        for master in masters
        if all_ or any(fnmatchcase(master, glob.partition("/")[0] if "/" in glob else "*") for glob in globs)
    ]


def resolve_reachable(
    config: Config,
    known: Mapping[str, Sequence[str]],
    silent: Sequence[str],
    targets: Sequence[str],
    *,
    all_: bool = False,
    groups: Sequence[str] = (),
) -> tuple[list[ClientRef], list[str]]:
    """As :func:`resolve`, and which of the ``silent`` masters, of whom no client is known, were meant too.

    A glob that may mean clients of theirs may match nobody.
    """
    seen = [ClientRef(master, name) for master, names in known.items() for name in names]
    heard = [
        target
        for target in targets
        if not unreachable_masters(config, silent, [target]) or any(matches(target, ref) for ref in seen)
    ]
    meant = unreachable_masters(config, silent, targets, all_=all_, groups=groups)
    if meant and not (heard or all_ or groups):
        return [], meant
    return resolve(config, known, heard, all_=all_, groups=groups), meant


def members(config: Config, target: str, inside: frozenset[str] = frozenset()) -> Iterator[str]:
    """The target itself, or those of the group that it names, groups within groups too."""
    group = target.removeprefix(GROUP)
    if group == target:
        yield target
    elif group not in inside:
        for member in config.groups.get(group, ()):
            yield from members(config, member, inside | {group})


def _meant(config: Config, known: Sequence[ClientRef], target: str) -> list[ClientRef]:
    if target.startswith(GROUP):
        return _group(config, known, target.removeprefix(GROUP))
    if is_glob(target):
        found = [ref for ref in known if matches(target, ref)]
        if not found:
            raise unknown_client(target, known)
        return found
    return [_one(known, target)]


def _group(config: Config, known: Sequence[ClientRef], name: str) -> list[ClientRef]:
    members: list[ClientRef] = []
    for member in members_of(config.groups, name):
        if member.startswith(GROUP):
            raise usage_error(f"group {name} has the group {shown(member)} in it", hint="name its clients instead")
        try:
            members += _meant(config, known, member)
        except NimwrapError as error:
            raise usage_error(f"group {name}: {error.message}", hint=error.hint) from None
    return members


def _one(known: Sequence[ClientRef], target: str) -> ClientRef:
    found = [ref for ref in known if target in (ref.client, str(ref))]
    if len(found) == 1:
        return found[0]
    if found:
        choice = " or ".join(str(ref) for ref in found)
        raise usage_error(f"{len(found)} masters know a client {shown(target)}", hint=f"write {choice}")
    if target.rpartition("/")[2] == MASTER:
        raise usage_error(
            "no image of the master itself is configured",
            hint=f"name its kinds: [clients.{MASTER}] kinds = {json.dumps(kinds_for([MASTER]))}",
        )
    raise unknown_client(target, known)


def _together(problems: Sequence[NimwrapError]) -> NimwrapError:
    """One error that carries them all."""
    first, *others = problems
    more = [Problem("usage", error.message, error.hint, error.client) for error in others]
    return NimwrapError(first.message, "usage", first.hint, exit_code=ExitCode.USAGE, client=first.client, more=more)
