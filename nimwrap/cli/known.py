"""Names on the command line against the clients that the local history and the configuration know."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nimwrap.config.model import Config
from nimwrap.domain.codes import ExitCode, FailureCode
from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.domain.records import ClientRef
from nimwrap.domain.targets import means
from nimwrap.history.read import Reader

_GROUP = "group:"


def clients_of(targets: Sequence[str], reader: Reader, config: Config) -> list[ClientRef]:
    """The clients that the targets mean, ``group:NAME`` included.

    Exit 2, with the nearest name, when a target means none; a member of a group may be unknown here.
    """
    known = everyone(reader, config)
    chosen: dict[ClientRef, None] = {}
    for target in targets:
        if target.startswith(_GROUP):
            members = _members(target.removeprefix(_GROUP), config)
            chosen.update(dict.fromkeys(ref for ref in known if any(means(member, ref) for member in members)))
            continue
        found = [ref for ref in known if means(target, ref)]
        if not found:
            raise unknown_client(target, known)
        chosen.update(dict.fromkeys(found))
    return list(chosen)


def everyone(reader: Reader, config: Config) -> list[ClientRef]:
    """Every client with a run, in an inventory, or named with its master in the configuration."""
    configured = [_configured(name, config) for name in config.clients]
    return list(dict.fromkeys([*reader.known(), *(ref for ref in configured if ref)]))


def unknown_client(name: str, known: Iterable[ClientRef]) -> NimwrapError:
    """Exit 2, with the nearest name that is known."""
    names = {ref.client: None for ref in known} if "/" not in name else {str(ref): None for ref in known}
    near = _nearest(name, names)
    hint = f"did you mean {near}?" if near else "`nimwrap status` lists the clients that are known"
    if not names:
        hint = "no client is known here yet; `nimwrap status --refresh` asks the masters"
    return NimwrapError(
        f"no client is called {name!r}", FailureCode.CLIENT_UNKNOWN, hint, exit_code=ExitCode.USAGE, client=name
    )


def _members(group: str, config: Config) -> Sequence[str]:
    if group in config.groups:
        return config.groups[group]
    near = _nearest(group, config.groups)
    hint = f"did you mean group:{near}?" if near else "groups are defined under [groups]"
    raise usage_error(f"there is no group {group!r}", hint)


def _configured(name: str, config: Config) -> ClientRef | None:
    master, _, client = name.rpartition("/")
    if not master and len(config.masters) == 1:
        master = next(iter(config.masters))
    return ClientRef(master, client) if master else None


def _nearest(name: str, names: Iterable[str]) -> str | None:
    from difflib import get_close_matches

    return next(iter(get_close_matches(name[:255], list(names), n=1)), None)
