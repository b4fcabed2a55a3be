"""A package as a directory: made whole beside its place, summed, signed, and only then given its name."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from nimwrap.domain.errors import NimwrapError, usage_error
from nimwrap.hosts.local_process import run_process

SUMS = "SHA256SUMS"
NAMESPACE = "nimwrap-evidence"
_SIGNING_S = 60.0


def write_package(directory: Path, files: Mapping[str, str], key: Path | None) -> list[str]:
    """Write the files with their ``SHA256SUMS`` and, with a key, its signature; their names.

    Nothing is ever overwritten: a usage error where the directory is there and not empty. What fails leaves nothing.
    """
    place = Path(os.path.abspath(directory))  # noqa: PTH100  a link stays a link
    if place.is_symlink() or (place.exists() and not (place.is_dir() and not any(place.iterdir()))):
        raise usage_error(
            f"{directory} is there already; nothing was written", "name a directory that is not there yet"
        )
    draft = place.with_name(f".{place.name}.{secrets.token_hex(6)}")
    try:
        draft.mkdir(mode=0o750)
        sums = []
        for name, text in files.items():
            content = text.encode("utf-8", "replace")
            _write(draft / name, content)
            sums.append(f"{sha256(content).hexdigest()}  {name}\n")
        _write(draft / SUMS, "".join(sums).encode())
        if key is not None:
            _sign(draft / SUMS, key)
        names = sorted(path.name for path in draft.iterdir())
        _publish(draft, place)
    except OSError as error:
        hint = "name a directory inside one that exists and that this user may write to"
        raise NimwrapError(f"{directory} cannot be written: {error.strerror or error}", hint=hint) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return names


def _publish(draft: Path, place: Path) -> None:
    """A directory takes the place of an empty one alone; of anything else that came meanwhile it does not."""
    try:
        draft.rename(place)
    except OSError as error:
        if place.exists():
            raise usage_error(f"{place} was made meanwhile; nothing was written") from error
        raise


def _write(path: Path, content: bytes) -> None:
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sign(path: Path, key: Path) -> None:
    """By the system's own ssh-keygen (OpenSSH 8.1 or later); with an agent ``key`` may be the public one."""
    hint = "a key of ssh-keygen that asks for no passphrase, or its .pub with an agent that holds it"
    argv = ["ssh-keygen", "-Y", "sign", "-f", str(key.absolute()), "-n", NAMESPACE, str(path)]
    try:
        done = run_process(argv, timeout=_SIGNING_S)
    except OSError as error:
        raise NimwrapError(f"the package cannot be signed: ssh-keygen: {error.strerror}", hint="install it") from error
    if done.unknown or done.failed or not path.with_name(f"{SUMS}.sig").exists():
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        why = said[-1] if said else "ssh-keygen gave no reason"
        raise NimwrapError(f"the package cannot be signed with {key}: {why}", hint=hint)
