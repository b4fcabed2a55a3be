"""From what the user wrote to clients: a name, ``master/client``, a glob of either, or ``group:NAME``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from nimwrap.config.model import Config
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError, Problem, usage_error
from nimwrap.domain.ref import ClientRef
from nimwrap.domain.targets import means

_SHOWN = 80
_LONGEST = 255
_GROUP = "group:"
_WILD = frozenset("*?[")


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
    wanted = [*targets, *(f"{_GROUP}{group}" for group in groups)]
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


def _meant(config: Config, known: Sequence[ClientRef], target: str) -> list[ClientRef]:
    if target.startswith(_GROUP):
        return _group(config, known, target.removeprefix(_GROUP))
    if _WILD & set(target):
        found = [ref for ref in known if means(target, ref)]
        if not found:
            raise usage_error(f"no client matches {_shown(target)}", hint="`nimwrap status` lists the clients")
        return found
    return [_one(known, target)]


def _group(config: Config, known: Sequence[ClientRef], name: str) -> list[ClientRef]:
    if name not in config.groups:
        hint = _nearest(name, config.groups) or "groups stand in [groups] of the configuration"
        raise usage_error(f"there is no group {_shown(name)}", hint=hint)
    members: list[ClientRef] = []
    for member in config.groups[name]:
        if member.startswith(_GROUP):
            raise usage_error(f"group {name} has the group {_shown(member)} in it", hint="name its clients instead")
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
        raise usage_error(f"{len(found)} masters know a client {_shown(target)}", hint=f"write {choice}")
    names = [ref.client for ref in known] if "/" not in target else [str(ref) for ref in known]
    raise usage_error(
        f"no master knows a client {_shown(target)}",
        hint=_nearest(target, names) or "`nimwrap status` lists the clients that the masters know",
    )


def _nearest(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name[:_LONGEST], list(names), 2, 0.5)
    return f"did you mean {' or '.join(sorted(near))}?" if near else ""


def _shown(text: str) -> str:
    """Text from outside as it may be printed: escaped, and cut."""
    return ascii(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def _together(problems: Sequence[NimwrapError]) -> NimwrapError:
    """One error that carries them all."""
    first, *others = problems
    more = [Problem("usage", error.message, error.hint) for error in others]
    return NimwrapError(first.message, code="usage", hint=first.hint, exit_code=ExitCode.USAGE, more=more)
