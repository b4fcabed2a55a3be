"""Which private key and which known host keys a master is reached with."""

from __future__ import annotations

import os
from pathlib import Path

from nimwrap.config.model import MasterConfig
from nimwrap.hosts.host_errors import Endpoint, login_refused

_CREDENTIAL = "credential:"


def endpoint(master: MasterConfig) -> Endpoint:
    """The master itself, as configured."""
    return Endpoint(master.name, master.host, master.port, master.user)


def identity_file(master: MasterConfig) -> Path | None:
    """The key file, from its path or from systemd's credential directory; None where none is configured.

    Raises NimwrapError ``login_refused`` when it cannot be read.
    """
    if not master.identity_file:
        return None
    if master.identity_file.startswith(_CREDENTIAL):
        name = master.identity_file.removeprefix(_CREDENTIAL)
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        if not directory or "/" in name:
            raise login_refused(
                endpoint(master),
                f"there is no credential {name!r}",
                f"add LoadCredential={name}:/path/to/key to the systemd unit, or name a file in identity_file",
            )
        path = Path(directory, name)
    else:
        path = Path(master.identity_file).expanduser()
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise login_refused(
            endpoint(master),
            f"the key {path} cannot be read: {error.strerror}",
            f"ls -l {path}; set identity_file of masters.{master.name}",
        ) from error


def known_hosts(master: MasterConfig) -> list[Path]:
    """The files of trusted host keys: the configured one alone, else those that ssh reads."""
    if master.known_hosts:
        return [Path(master.known_hosts).expanduser()]
    return [Path("~/.ssh/known_hosts").expanduser(), Path("/etc/ssh/ssh_known_hosts")]
