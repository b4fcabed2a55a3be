"""Single files out of an image, into a directory of its master; nothing that lies there is touched unless told to."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from nimwrap.domain.codes import ExitCode, FailureCode
from nimwrap.domain.errors import NimwrapError, master_unreachable, usage_error
from nimwrap.domain.names import is_safe_path
from nimwrap.history.model import ImageRow
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images.verification import READ_LIMIT_S

MOST_NAMES = 500
"""Names that one command line carries safely on every level of AIX."""
_THERE, _FAILED = 22, 23


@dataclass(frozen=True)
class ExtractedFile:
    """One file as it lies there now; ``mode`` and ``owner`` as ``ls`` shows them."""

    path: str
    location: str
    mode: str
    owner: str
    size_bytes: int


def extract_files(
    host: Host, row: ImageRow, names: Sequence[str], directory: str, *, force: bool
) -> list[ExtractedFile]:
    """Extract ``names``, which are names of the image's own list; all of them lie there afterwards, or it raises.

    Without ``force`` nothing is begun where one of them exists already.
    """
    if not is_safe_path(directory):
        raise usage_error(f"{directory[:200]!r} is not a plain path in full", "such as /tmp/restored")
    if len(names) > MOST_NAMES:
        raise usage_error(f"{len(names)} files are meant, at most {MOST_NAMES} are extracted at once")
    if strange := [name for name in names if not name.startswith("./") or ".." in name.split("/")]:
        raise usage_error(f"{strange[0]!r} would not be extracted below {directory}")
    result = host.run(_script(row, names, directory, force=force), timeout=READ_LIMIT_S + 600)
    if result.unknown:
        raise master_unreachable(
            f"the connection to {host.name} was lost while files were extracted", f"see what lies in {directory} there"
        )
    lines = result.stdout.splitlines()
    if result.returncode == _THERE:
        there = [line.removeprefix("there ") for line in lines if line.startswith("there ")]
        raise NimwrapError(
            f"{directory}/{there[0].removeprefix('./')} is there already; nothing was extracted",
            code="usage",
            hint="give another directory, or --force to write over it",
            exit_code=ExitCode.USAGE,
        )
    found = [file for line in lines if (file := _parsed(line, names, directory))]
    if result.failed or len(found) < len(names):
        said = next((line for line in reversed(lines) if not line.startswith("file ")), result.stderr.strip())
        raise NimwrapError(
            f"not all files could be extracted from {row.location}: {said[:300]}",
            code=FailureCode.IMAGE_UNREADABLE,
            hint=f"nimwrap images verify --full {row.client}",
            client=row.client,
        )
    return found


def _script(row: ImageRow, names: Sequence[str], directory: str, *, force: bool) -> str:
    words, place = shlex.join(names), shlex.quote(directory)
    guard = f"""\
found=0
for name in {words}; do
  ls -d "$name" > /dev/null 2>&1 && {{ echo "there $name"; found=1; }}
done
[ $found -eq 0 ] || exit {_THERE}
"""
    return f"""\
{PREAMBLE}[ -d {place} ] || mkdir -p {place} || exit {_FAILED}
cd {place} || exit {_FAILED}
{"" if force else guard}\
restore -xqf {shlex.quote(row.location)} {words} < /dev/null 2>&1 || exit {_FAILED}
number=0
for name in {words}; do
  ls -ld "$name" > /dev/null 2>&1 && echo "file $number $(ls -ld "$name")"
  number=$((number + 1))
done
exit 0
"""


def _parsed(line: str, names: Sequence[str], directory: str) -> ExtractedFile | None:
    """``file NUMBER MODE LINKS OWNER GROUP SIZE ...``."""
    words = line.split(None, 8)
    if len(words) < 8 or words[0] != "file" or not words[1].isdigit() or int(words[1]) >= len(names):
        return None
    name = names[int(words[1])]
    size = int(words[6]) if words[6].isdigit() else 0
    location = f"{directory.rstrip('/')}/{name.removeprefix('./')}"
    return ExtractedFile(name, location, words[2], f"{words[4]}:{words[5]}", size)
