"""The way to a master for the Fabric transport: the servers to pass (ProxyJump), each with its own keys."""

from __future__ import annotations

import getpass
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from nimwrap.config.model import MasterConfig
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.names import is_address, is_host_name
from nimwrap.hosts.host_errors import Endpoint
from nimwrap.hosts.ssh_identity import endpoint, identity_file, known_hosts

if TYPE_CHECKING:
    from paramiko import SSHConfig

_MOST_HOPS = 8


@dataclass(frozen=True)
class Hop:
    """One server to log in to. With ``only_these`` no key is tried but ``identity_files``; no agent either."""

    endpoint: Endpoint
    identity_files: tuple[str, ...]
    only_these: bool
    known_hosts: tuple[Path, ...]
    proxy_command: str = ""


def route(master: MasterConfig) -> list[Hop]:
    """The hops in the order of connecting; the last one is the master.

    What nimwrap's configuration names (user, key, known hosts, a port other than 22) outranks ssh_config.
    Raises NimwrapError ``config_invalid`` for an ssh_config that cannot be used.
    """
    return _Router(master).hops()


class _Router:
    def __init__(self, master: MasterConfig) -> None:
        self._master = master
        self._config = _ssh_config(master)
        self._identity = identity_file(master)

    def hops(self) -> list[Hop]:
        options = self._config.lookup(self._master.host)
        own = endpoint(self._master)
        port = own.port if own.port != 22 else int(options.get("port", 22))
        target = Endpoint(own.master, options["hostname"], port, own.user)
        hop = self._hop(target, options, bool(self._identity))
        return [*self._before(options, self._master.host, 1), hop]

    def _before(self, options: dict[str, str], name: str, depth: int) -> list[Hop]:
        """The jump hosts on the way to ``name``: of a list, only the first has its own ProxyJump looked at."""
        jumps = [jump.strip() for jump in options.get("proxyjump", "none").split(",")]
        if jumps[0].lower() in ("none", "", name.lower()):
            return []
        if depth + len(jumps) > _MOST_HOPS:
            raise self._invalid(f"ProxyJump of {name} leads in a circle")
        hops: list[Hop] = []
        for number, jump in enumerate(jumps):
            user, host, port = _parts(jump)
            found = self._config.lookup(host)
            if number == 0:
                hops += self._before(found, host, depth + len(jumps))
            where = Endpoint(
                self._master.name,
                found["hostname"],
                port or int(found.get("port", 22)),
                user or found.get("user") or getpass.getuser(),
            )
            hops.append(self._hop(where, found, False))
        return hops

    def _hop(self, where: Endpoint, options: dict[str, str], only_these: bool) -> Hop:
        if not (is_host_name(where.host) or is_address(where.host)):
            raise self._invalid(f"{where.host[:80]!r} is not a host name")
        own = [str(self._identity)] if self._identity else []
        from_config: list[str] = [] if only_these else list(options.get("identityfile", []))
        named = "" if self._master.known_hosts else options.get("userknownhostsfile", "")
        trusted = [Path(file).expanduser() for file in named.split()]
        return Hop(
            where,
            tuple(own if only_these else from_config + own),
            only_these or options.get("identitiesonly", "no") == "yes",
            tuple(trusted or known_hosts(self._master)),
            options.get("proxycommand", "") if options.get("proxyjump", "none") == "none" else "",
        )

    def _invalid(self, message: str) -> NimwrapError:
        return _invalid(self._master, message)


def _ssh_config(master: MasterConfig) -> SSHConfig:
    from paramiko import SSHConfig
    from paramiko.ssh_exception import ConfigParseError

    if not master.ssh_config:
        return SSHConfig()
    try:
        return SSHConfig.from_path(str(Path(master.ssh_config).expanduser()))
    except (OSError, ConfigParseError, UnicodeDecodeError) as error:
        raise _invalid(master, str(error)) from error


def _invalid(master: MasterConfig, message: str) -> NimwrapError:
    return NimwrapError(
        f"masters.{master.name}.ssh_config: {message}",
        code="config_invalid",
        hint=f'transport = "openssh" leaves {master.ssh_config or "ssh_config"} to the system\'s own ssh',
        exit_code=ExitCode.CONFIG,
    )


def _parts(jump: str) -> tuple[str, str, int]:
    """``[user@]host[:port]``, an IPv6 address in brackets, or ``ssh://`` before it."""
    rest = jump.removeprefix("ssh://").rstrip("/")
    user, _, rest = rest.rpartition("@")
    if rest.startswith("["):
        host, _, port = rest[1:].partition("]")
        port = port.lstrip(":")
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
    else:
        host, port = rest, ""
    return user, host, int(port) if port.isdigit() else 0
