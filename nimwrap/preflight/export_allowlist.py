"""Whom a remedy may let in."""

from __future__ import annotations

from nimwrap.domain.names import is_host_name
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.preflight_report import ExportAllowlist


def export_allowlist_of(s: CheckContext) -> ExportAllowlist | None:
    """The addresses that the client proved to hold and their names; None when its source address is not proven.

    A name is let in only where the master resolves it to this client's addresses and to no other.
    """
    if not s.source_proven or s.source.actual is None:
        return None
    own = s.client.own_addresses
    addresses = dict.fromkeys([*(address for address in s.expected if address in own), s.source.actual])
    reverse = s.names.of(s.source.actual).value
    candidates = dict.fromkeys([*([s.host] if s.host else []), *(reverse.names if reverse else ())])
    names = [name for name in candidates if is_host_name(name) and leads_to(s, name, own)]
    return ExportAllowlist(tuple(addresses), tuple(names))


def leads_to(s: CheckContext, name: str, own: frozenset[str]) -> bool:
    """True when the master resolves ``name``, and only to addresses in ``own``."""
    answer = s.names.of(name).value
    return answer is not None and bool(answer.addresses) and set(answer.addresses) <= own
