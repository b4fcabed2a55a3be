"""From a master's configuration to a Host; every remote command passes its failpoints here and nowhere else."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec

from nimwrap.config.model import TRANSPORTS, MasterConfig
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.names import is_address, is_host_name
from nimwrap.failpoints import failpoint
from nimwrap.hosts.bounded_output import Sink
from nimwrap.hosts.protocol import CommandResult, Host
from nimwrap.hosts.script_batch import PREAMBLE


def open_master(master: MasterConfig, *, ahead: bool = False) -> Host:
    """The host behind ``master``; thread safe. Nothing is connected before its first command, unless ``ahead``.

    With it a connection that takes its time is begun at once; the first command tells of trouble with it.
    Raises NimwrapError ``config_invalid`` for a transport or an address that cannot be used.
    """
    return _Watched(_transport(master, ahead=ahead))


class _Watched:
    """A host whose commands can be counted and cut short by the crash campaign."""

    def __init__(self, inner: Host) -> None:
        self._inner = inner

    @property
    def name(self) -> str:
        return self._inner.name

    def run(self, script: str, *, timeout: float = 120.0, sink: Sink | None = None) -> CommandResult:
        label = f"{self.name}: {_gist(script)}"
        failpoint(f"host.run before {label}")
        try:
            if sink is None:
                return self._inner.run(script, timeout=timeout)
            return self._inner.run(script, timeout=timeout, sink=sink)
        finally:
            failpoint(f"host.run after {label}")

    def close(self) -> None:
        self._inner.close()


def _transport(master: MasterConfig, *, ahead: bool) -> Host:
    """The host of the module that is called like the transport."""
    transport = TRANSPORTS.get(master.transport)
    if transport is None:
        names = ", ".join(f'"{name}"' for name in TRANSPORTS)
        raise _invalid(f"masters.{master.name}.transport: {master.transport!r} is none of {names}")
    if transport.remote and not (is_host_name(master.host) or is_address(master.host)):
        raise _invalid(f"masters.{master.name}.host: {master.host[:80]!r} is not a host name or address")
    if transport.module and find_spec(transport.module) is None:  # AIX: compiled parts have no wheels there
        others = " or ".join(f'"{name}"' for name, other in TRANSPORTS.items() if other.remote and not other.module)
        raise _invalid(
            f'masters.{master.name}.transport: "{transport.name}" needs {transport.module.capitalize()}, which is not '
            "installed here",
            f'transport = {others} needs none; or: pip install "nimwrap[{transport.extra}]"',
        )
    opened: Host = import_module(f"nimwrap.hosts.{transport.name}").open_host(master, ahead=ahead)
    return opened


def _invalid(message: str, hint: str = "") -> NimwrapError:
    return NimwrapError(message, code="config_invalid", hint=hint, exit_code=ExitCode.CONFIG)


def _gist(script: str) -> str:
    """The first line that tells what the script is for, the same in every run: nonces are masked."""
    body = script.removeprefix(PREAMBLE).strip()
    return re.sub(r"\b[0-9a-f]{8,}\b", "NONCE", body.split("\n", 1)[0])[:70]
