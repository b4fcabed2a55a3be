"""How this master's NIM treats the export list for one operation.

What a real NIM does with an export that exists already is not public (reference aix-nim section 10 point 1), so the
estate knows three behaviours, chosen by the setting ``behaviour``: ``merge`` adds the client's name to what is
there and takes exactly that away at the end, ``replace`` puts its own list in place (and at the end unexports, or
restores, by the setting ``replace_end``), ``refuse`` fails.
"""

from __future__ import annotations

from nimwrap.estate import nfs
from nimwrap.estate.machine import Machine
from nimwrap.estate.nfs import ExportedDirectory
from nimwrap.estate.stdlib import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class ExportRefusedError(Exception):
    """exportfs would not; the text is its message."""


class OpenedExport(NamedTuple):
    """What was done, to be undone by :func:`close`."""

    directory: str
    host: str
    how: str
    before: ExportedDirectory | None = None
    before_file: ExportedDirectory | None = None
    added: tuple[str, ...] = ()


def open_for(me: Machine, directory: str, host: str) -> OpenedExport:
    """Export ``directory`` to ``host`` with access and root; raises ExportRefusedError."""
    with me.state.lock(f"exports-{me.name}"):
        trouble = nfs.conflict(me, directory)
        if trouble:
            raise ExportRefusedError(trouble)
        opened = _open(me, directory, host)
        nfs.published(me)
    return opened


def _open(me: Machine, directory: str, host: str) -> OpenedExport:
    before, before_file = nfs.entry(me, directory), nfs.entry(me, directory, nfs.EXPORTS)
    if before is None and before_file is None:
        _put_own(me, directory, host)
        _remember(me, directory, made=True)
        return OpenedExport(directory, host, "merge", added=("access", "root"))
    how = str(me.setting("behaviour", "merge"))
    if how == "refuse":
        raise ExportRefusedError(f"exportfs: {directory}: already exported\n")
    if how == "replace":
        _put_own(me, directory, host)
        return OpenedExport(directory, host, how, before, before_file)
    return OpenedExport(directory, host, how, before, before_file, _merge(me, directory, host))


def _put_own(me: Machine, directory: str, host: str) -> None:
    """NIM's own text: both lists, each name followed by a colon."""
    own = ExportedDirectory(directory, f"rw,root={host}:,access={host}:")
    nfs.put(me, own)
    nfs.put(me, own, nfs.EXPORTS)


def _merge(me: Machine, directory: str, host: str) -> tuple[str, ...]:
    added: list[str] = []
    for file in (nfs.XTAB, nfs.EXPORTS):
        one = nfs.entry(me, directory, file)
        if one is None:
            continue
        for key in ("access", "root"):
            hosts = one.hosts(key)
            if (hosts is None and key == "access") or host in (hosts or []):
                continue
            one = one.with_hosts(key, [*(hosts or []), host])
            added.append(f"{file} {key}")
        nfs.put(me, one, file)
    if nfs.entry(me, directory) is None:
        whole = nfs.entry(me, directory, nfs.EXPORTS)
        nfs.put(me, whole or ExportedDirectory(directory))
    return tuple(added)


def close(me: Machine, opened: OpenedExport) -> None:
    """Undo what :func:`open_for` did, in the way of the behaviour it met."""
    with me.state.lock(f"exports-{me.name}"):
        if opened.how == "replace":
            _end_replaced(me, opened)
        else:
            _end_merged(me, opened)
        nfs.published(me)


def _end_merged(me: Machine, opened: OpenedExport) -> None:
    made = opened.directory in me.state.read("nim-exports").get("made", [])
    for file in (nfs.XTAB, nfs.EXPORTS):
        one = nfs.entry(me, opened.directory, file)
        if one is None:
            continue
        for key in ("access", "root"):
            if key in opened.added or f"{file} {key}" in opened.added:
                hosts = [host for host in one.hosts(key) or [] if host != opened.host]
                one = one.with_hosts(key, hosts)
        if made and not one.hosts("access") and not one.hosts("root"):
            nfs.drop(me, opened.directory, file)
        else:
            nfs.put(me, one, file)
    if nfs.entry(me, opened.directory) is None:
        _remember(me, opened.directory, made=False)


def _end_replaced(me: Machine, opened: OpenedExport) -> None:
    restore = me.setting("replace_end", "unexport") == "restore"
    for file, before in ((nfs.XTAB, opened.before), (nfs.EXPORTS, opened.before_file)):
        if restore and before is not None:
            nfs.put(me, before, file)
        else:
            nfs.drop(me, opened.directory, file)


def _remember(me: Machine, directory: str, *, made: bool) -> None:
    def edit(content: dict[str, Any]) -> None:
        kept = [one for one in content.get("made", []) if one != directory]
        content["made"] = [*kept, directory] if made else kept

    me.state.change("nim-exports", edit)
