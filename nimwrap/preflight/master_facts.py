"""What the master is asked, in one script, and what it said."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from nimwrap.aix import df, etc_exports, exportfs, lsnim, mount, ps
from nimwrap.aix.text import Unrecognised, lines
from nimwrap.domain.names import is_nim_name
from nimwrap.hosts.piecewise import C_RSH
from nimwrap.hosts.script_batch import Answer, Question
from nimwrap.images.kinds.registry import client_programs, machine_types
from nimwrap.preflight.facts import Fact, Missing, absent, raw_text, read

LIMIT_S = 60
_LIMIT_WORDS = frozenset({"unlimited", "-1"})
FSIZE = Question("fsize", '[ -z "$BASH_VERSION" ] || set -o posix; ulimit -f')
"""In blocks of 512 bytes, as POSIX says; bash takes 1024 unless it is told to keep to that."""
BLOCK = 512
_DATE = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) \w+ (\d{4})")
_DIRECTORY = re.compile(r"nw_dir (\S+) (exists|missing|other) (\S+) (writable|readonly)")


@dataclass(frozen=True)
class Directory:
    """``nearest`` is the deepest directory on the way to ``path`` that exists; the rest is about it."""

    path: str
    kind: str
    nearest: str
    writable: bool
    filesystem: df.Filesystem | None

    @property
    def exists(self) -> bool:
        return self.kind == "exists"


@dataclass(frozen=True)
class MasterFacts:
    """``exported`` is in force, ``standing`` is /etc/exports; ``fsize`` the file size limit in bytes, 0 for none.

    ``objects`` and ``processes`` are only those that the questions asked for.
    """

    tools_missing: Fact[tuple[str, ...]]
    objects: Fact[dict[str, lsnim.NimObject]]
    exported: Fact[list[etc_exports.ExportEntry]]
    standing: Fact[list[etc_exports.ExportEntry]]
    directories: Fact[dict[str, Directory]]
    mounts: Fact[list[mount.Mount]]
    hostname: Fact[str]
    clock: Fact[datetime]
    fsize: Fact[int]
    processes: Fact[list[ps.Process]]

    @property
    def missing(self) -> tuple[str, ...]:
        """Why facts are missing, for those that are."""
        facts: list[Fact[object]] = list(vars(self).values())
        return tuple(fact.why for fact in facts if fact.missing)


_FEW = 16
"""Of so many clients what concerns them is picked from the listing on the master."""


def quick_questions(c_rsh: bool) -> list[Question]:
    tools = [lsnim.LSNIM, "/usr/sbin/nim", exportfs.EXPORTFS, *([C_RSH] if c_rsh else [])]
    return [
        Question("hostname", "hostname"),
        Question("clock", "date -u"),
        FSIZE,
        Question("tools", f"for f in {' '.join(tools)}; do [ -x $f ] || echo $f; done"),
        Question("mounts", shlex.join(mount.argv())),
        Question("standing", "[ ! -f /etc/exports ] || cat /etc/exports"),
    ]


def slow_questions(directories: Sequence[str], clients: Sequence[str] = ()) -> list[Question]:
    """``objects`` are all that there are or, of a few ``clients``, those that concern them: they, the master and
    what lies in ``directories``. Of the processes, those that may make an image."""
    listing = lsnim.listing(*machine_types(), lsnim.MKSYSB)
    if 0 < len(clients) <= _FEW and all(map(is_nim_name, clients)):
        listing = lsnim.about(
            listing, list(dict.fromkeys([*clients, lsnim.MASTER])), [f"{directory}/" for directory in directories]
        )
    making = "|".join(["nim.*-[A-Za-z]*o", *client_programs()])
    asked = [
        Question("objects", listing),
        Question("exports", shlex.join(exportfs.list_argv())),
        Question("processes", f"{shlex.join(ps.argv())} | awk 'NR==1||/{making}/'"),
    ]
    return [*asked, Question("directories", _directories_shell(directories))] if directories else asked


def _directories_shell(directories: Sequence[str]) -> str:
    """Per directory what it is, and then ``df`` of the nearest existing ones, in the same order."""
    return (
        'nw_l=; nw_n=0; nw_df() { [ -z "$nw_l" ] || df -Pk $nw_l; nw_l=; nw_n=0; }\n'
        f"for nw_p in {shlex.join(directories)}; do nw_d=$nw_p; nw_k=exists; nw_w=readonly\n"
        '[ -d "$nw_p" ] || { nw_k=missing; [ ! -e "$nw_p" ] || nw_k=other; }\n'
        'while [ ! -d "$nw_d" ]; do nw_d=${nw_d%/*}; nw_d=${nw_d:-/}; done\n'
        '[ ! -w "$nw_d" ] || nw_w=writable; echo "nw_dir $nw_p $nw_k $nw_d $nw_w"\n'
        'nw_l="$nw_l $nw_d"; nw_n=$((nw_n+1)); [ $nw_n -lt 100 ] || nw_df; done; nw_df'
    )


def read_master(answers: Mapping[str, Answer]) -> MasterFacts:
    """The facts of one master from its answers."""
    return MasterFacts(
        tools_missing=read(answers, "tools", "test -x", lambda text: tuple(text.split())),
        objects=read(answers, "objects", "lsnim -l", lsnim.parse_long),
        exported=_exports(answers),
        standing=read(answers, "standing", "cat /etc/exports", etc_exports.parse_file),
        directories=read(answers, "directories", "df -Pk", parse_directories),
        mounts=read(answers, "mounts", "mount", mount.parse),
        hostname=read(answers, "hostname", "hostname", parse_word),
        clock=read(answers, "clock", "date -u", parse_clock),
        fsize=read(answers, "fsize", "ulimit -f", parse_fsize),
        processes=read(answers, "processes", "ps -ef", ps.parse),
    )


def _exports(answers: Mapping[str, Answer]) -> Fact[list[etc_exports.ExportEntry]]:
    """An empty listing is an answer only when exportfs itself ended well."""
    answer = answers.get("exports")
    if answer is not None and answer.returncode not in (0, None) and not answer.output.strip().startswith("/"):
        return absent(Missing.FAILED, "`exportfs`", raw_text(answers, "exports"))
    return read(answers, "exports", "exportfs", etc_exports.parse_listing)


def parse_word(text: str) -> str:
    """The first word of the last line that has one, such as a host name."""
    rows = [line.split() for line in lines(text) if line.split()]
    if not rows or len(rows[-1]) != 1:
        raise Unrecognised("hostname", text)
    return rows[-1][0]


def parse_clock(text: str) -> datetime:
    """UTC from ``date -u`` in the C locale."""
    match = _DATE.search(text)
    if match is None:
        raise Unrecognised("date -u", text)
    return datetime.strptime(f"{match[4]} {match[1]} {match[2]} {match[3]}", "%Y %b %d %H:%M:%S").replace(tzinfo=UTC)


def parse_fsize(text: str) -> int:
    """Bytes from the answer to :data:`FSIZE`; 0 for no limit."""
    word = text.strip()
    return 0 if word in _LIMIT_WORDS else int(word) * BLOCK


def parse_directories(text: str) -> dict[str, Directory]:
    """By path. ``df`` gives one row per directory in the order asked; rows that cannot be assigned are not used."""
    found = [match for line in lines(text) if (match := _DIRECTORY.fullmatch(line.strip()))]
    if not found:
        raise Unrecognised("df -Pk", text)
    try:
        rows = df.parse("\n".join(line for line in lines(text) if not line.startswith("nw_dir")))
    except Unrecognised:
        rows = []
    same = len(rows) == len(found)
    return {
        match[1]: Directory(
            match[1],
            match[2],
            match[3],
            match[4] == "writable",
            rows[index] if same else _holding(match[3], rows),
        )
        for index, match in enumerate(found)
    }


def _holding(path: str, rows: Sequence[df.Filesystem]) -> df.Filesystem | None:
    """The deepest of the mounts that ``path`` lies in."""
    above = [row for row in rows if within(path, row.mounted_on)]
    return max(above, key=lambda row: len(row.mounted_on), default=None)


def within(path: str, directory: str) -> bool:
    """True when ``path`` is ``directory`` or lies below it."""
    base = directory.rstrip("/")
    return path.rstrip("/") == base or path.startswith(f"{base}/")
