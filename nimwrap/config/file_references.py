"""The files that a configuration names: are they there, and may we read them?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from nimwrap.config.lines import KeyPath
from nimwrap.config.load import Document
from nimwrap.config.model import Config
from nimwrap.config.secret import Secret, referenced_file
from nimwrap.config.toml_file import Fault
from nimwrap.domain.errors import NimwrapError, Problem


def file_problems(document: Document) -> list[Problem]:
    """One problem for each named file that is missing or unreadable, in the order of the lines."""
    found = [(path, _trouble(reference)) for path, reference in _named_files(document.config)]
    return document.file.problems(Fault(path, *trouble) for path, trouble in found if trouble)


def _named_files(config: Config) -> Iterator[tuple[KeyPath, str]]:
    for name, master in config.masters.items():
        for key in ("identity_file", "known_hosts", "ssh_config", "shell"):
            yield ("masters", name, key), _as_reference(getattr(master, key))
    for hook in config.hooks:
        if hook.on == "control":
            yield ("hooks", hook.number, "run"), _as_reference(hook.run[0])
    yield ("report", "sign_key"), _as_reference(config.report.sign_key)
    for index, url in enumerate(config.notify.urls):
        yield ("notify", "urls", index), _reference_of(url)
    for name, own in config.notify.recipients.items():
        for index, url in enumerate(own.urls):
            yield ("notify", name, "urls", index), _reference_of(url)
    yield ("notify", "ping"), _reference_of(config.notify.ping)


def _as_reference(value: str) -> str:
    return value if value.startswith("credential:") or not value else f"file:{value}"


def _reference_of(secret: Secret) -> str:
    text = str(secret)
    return text if text.startswith(("file:", "credential:")) else ""


def _trouble(reference: str) -> tuple[str, str] | None:
    """What is wrong with one reference, and the hint; a credential exists only inside its systemd unit."""
    if not reference or (reference.startswith("credential:") and not os.environ.get("CREDENTIALS_DIRECTORY")):
        return None
    try:
        path = referenced_file(reference) or Path()
    except NimwrapError as error:
        return error.message, error.hint
    if not path.exists():
        return f"{path} does not exist", "create it, or correct the path"
    if not path.is_file() or not os.access(path, os.R_OK):
        return f"{path} cannot be read by this user", f"let the user that runs nimwrap read {path}"
    return None
