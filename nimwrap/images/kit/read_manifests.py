"""Manifests as they lie on a master, each with what lies beside it now."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from nimwrap.aix import ls
from nimwrap.aix.text import Unrecognised
from nimwrap.domain.errors import master_unreachable
from nimwrap.domain.names import is_safe_path
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import PREAMBLE, Question
from nimwrap.images.image_probe import ask
from nimwrap.images.kit.kit_names import SUFFIX
from nimwrap.images.kit.manifest import Manifest, parse_manifest

_BATCH = 400
"""Manifests that are read by one call: some hundred kilobytes."""


@dataclass(frozen=True)
class FoundManifest:
    """``location`` and ``size_bytes`` are those of the file beside it, None where none is there."""

    location: str
    size_bytes: int | None
    manifest: Manifest

    @property
    def fits(self) -> bool:
        """Whether what lies there is as large as the image that it tells of."""
        return bool(self.size_bytes == self.manifest.image["size_bytes"])


def read_manifests(host: Host, directories: Iterable[str]) -> list[FoundManifest]:
    """All manifests below these directories. Raises ``master_unreachable`` when the master does not say all."""
    roots = [directory for directory in dict.fromkeys(directories) if is_safe_path(directory)]
    asked = [Question(f"tree{n}", shlex.join(ls.tree_argv(root)), 600) for n, root in enumerate(roots)]
    given = ask(host, asked, timeout=1200) if asked else {}
    sizes: dict[str, int] = {}
    for number, root in enumerate(roots):
        answer = given.get(f"tree{number}")
        if answer is None or answer.unknown:
            raise master_unreachable(f"{host.name} does not say what lies below {root}", "run the command again")
        sizes |= {entry.name: entry.size_bytes for entry in _entries(answer.output)}
    paths = sorted(path for path in sizes if path.endswith(SUFFIX) and is_safe_path(path))
    found = []
    for start in range(0, len(paths), _BATCH):
        for path, text in _read(host, paths[start : start + _BATCH]):
            if manifest := parse_manifest(text):
                location = f"{path.removesuffix(SUFFIX)}{manifest.suffix}"
                found.append(FoundManifest(location, sizes.get(location), manifest))
    return found


def _entries(text: str) -> list[ls.FileEntry]:
    try:
        return ls.parse(text)
    except Unrecognised:  # no such directory
        return []


def _read(host: Host, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    mark = f"@@{secrets.token_hex(6)}"
    listed = "\n".join(paths)
    script = f"""\
{PREAMBLE}while read path; do echo "{mark} $path"; cat "$path" 2>/dev/null; done <<'NIMWRAP_PATHS'
{listed}
NIMWRAP_PATHS
echo "{mark} end"
"""
    result = host.run(script, timeout=600)
    parts = result.stdout.split(f"{mark} ")
    if result.unknown or parts[-1].strip() != "end":
        raise master_unreachable(f"{host.name} does not let its manifests be read", "run the command again")
    for part in parts[1:-1]:
        path, _, text = part.partition("\n")
        yield path.strip(), text
