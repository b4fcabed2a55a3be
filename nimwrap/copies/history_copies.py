"""``history.db`` beside the images on their master: written there as text, in pieces, and read back.

``history-YYYYMMDD_HHMMSS.b64`` has a line about where it comes from; what follows is base64 of the compressed file,
because a channel to a master carries text. Without nimwrap: ``sed 1d FILE | base64 -d | gunzip > history.db``.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nimwrap import __version__
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.posix_cksum import PosixCksum
from nimwrap.failpoints import failpoint
from nimwrap.history.installation import installation_id
from nimwrap.history.sqlite.snapshot import compressed_snapshot
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images.kit.kit_names import HISTORY
from nimwrap.locks.lock_scripts import MARK, said
from nimwrap.master_context import MasterContext

KEEP = 7
_PIECE = 57 * 3000
"""Bytes that are sent by one call: whole lines of base64."""
_READ = 240_000
_NAME = re.compile(r"history-\d{8}_\d{6}\.b64")
_HEAD = re.compile(r"nimwrap history (?P<installation>[0-9a-f]{32}) \S+\n")


@dataclass(frozen=True)
class HistoryCopy:
    """One copy on a master."""

    path: str
    size_bytes: int

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]


def directory_of(context_directory: str) -> str:
    """Where they lie, below the directory of a master's images."""
    return f"{context_directory.rstrip('/')}/{HISTORY}"


def send_history(context: MasterContext, directory: str, now: datetime) -> str:
    """Copy the history to the master, read it back, and keep the newest few there; where it lies.

    Raises NimwrapError when it is not proven to be there; an earlier one is never touched then.
    """
    place = f"{directory}/history-{now.astimezone(UTC):%Y%m%d_%H%M%S}.b64"
    draft, counted = shlex.quote(f"{place}.part"), PosixCksum()
    head = f"nimwrap history {installation_id(context.config.state_dir)} {__version__}\n"
    with compressed_snapshot(context.config.database) as packed:
        _told(context, f"umask 077\nmkdir -p {shlex.quote(directory)} && rm -f {shlex.quote(directory)}/*.part\n")
        for text in _texts(head, packed):
            there = counted.size
            counted.add(text.encode())
            failpoint("history copy piece")
            _told(
                context,
                f"umask 077\nhas=$([ -f {draft} ] && ls -l {draft} | awk '{{ print $5 }}')\n"
                f'[ "${{has:-0}}" = {there} ] || {{ echo "the copy has $has bytes, not {there}"; exit 1; }}\n'
                f"cat >> {draft} <<'NIMWRAP_HISTORY'\n{text}NIMWRAP_HISTORY\n",
            )
    _told(
        context,
        f"[ \"$(cksum {draft} | awk '{{ print $1, $2 }}')\" = {shlex.quote(counted.text)} ] "
        f"|| {{ echo 'what was written is not what was sent'; rm -f {draft}; exit 1; }}\n"
        f"mv -f {draft} {shlex.quote(place)} || exit 1\n"
        f"cd {shlex.quote(directory)} && ls | grep '^history-[0-9_]*[.]b64$' | sort -r | sed '1,{KEEP}d' "
        "| while read old; do rm -f ./$old; done\n",
    )
    return place


def _texts(head: str, packed: Path) -> Iterator[str]:
    yield head
    with packed.open("rb") as file:
        while data := file.read(_PIECE):
            yield base64.encodebytes(data).decode("ascii")


def _told(context: MasterContext, script: str) -> None:
    result = context.host.run(PREAMBLE + script, timeout=300)
    if result.unknown:
        raise master_unreachable(f"the connection to {context.host.name} was lost", "the next night copies it")
    if result.failed:
        lines = (result.stdout + result.stderr).strip().splitlines()
        raise NimwrapError(f"the history is not copied to {context.host.name}: {lines[-1] if lines else 'no reason'}")


def history_copies(host: Host, directory: str) -> list[HistoryCopy]:
    """Those that lie in a directory of a master, the newest first."""
    place = shlex.quote(directory)
    script = f"""\
for f in {place}/history-*.b64; do
  [ -f "$f" ] && echo "{MARK}$(ls -l "$f" | awk '{{ print $5 }}') $f"
done
:
"""
    result = host.run(PREAMBLE + script)
    if result.unknown or result.failed:
        raise master_unreachable(f"{host.name} does not say what lies in {directory}", "run the command again")
    found = [line.split(" ", 1) for line in said(result.stdout)]
    copies = [HistoryCopy(path, int(size)) for size, path in found if _NAME.fullmatch(path.rpartition("/")[2])]
    return sorted(copies, key=lambda copy: copy.name, reverse=True)


def fetch_history(host: Host, copy: HistoryCopy, to: Path) -> str:
    """Write the compressed history of a copy to ``to``, piece by piece; the id of the installation it is of."""
    installation, rest = "", ""
    with to.open("wb") as file:
        for number in range((copy.size_bytes + _READ - 1) // _READ):
            script = f"dd if={shlex.quote(copy.path)} bs={_READ} skip={number} count=1 2>/dev/null\n"
            result = host.run(PREAMBLE + script, timeout=300)
            if result.unknown or result.failed:
                raise master_unreachable(f"the copy {copy.path} could not be read", "run the command again")
            rest += result.stdout
            if not installation:
                head = _HEAD.match(rest)
                if head is None:
                    raise NimwrapError(f"{copy.path} on {host.name} is no copy of a history")
                installation, rest = head["installation"], rest[head.end() :]
            whole, _, rest = rest.rpartition("\n")
            file.write(base64.b64decode(whole))
    return installation
