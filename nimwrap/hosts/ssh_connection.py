"""One hardened Fabric connection: strict host keys on every hop, no delay, keepalive (libraries section 4)."""

from __future__ import annotations

import contextlib
import logging
import socket
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nimwrap.domain.errors import NimwrapError
from nimwrap.hosts.host_errors import host_key_refused, login_refused, unreachable
from nimwrap.hosts.ssh_hops import Hop

if TYPE_CHECKING:
    from fabric import Connection
    from paramiko import PKey, Transport

CONNECT_S = 15
_KEEPALIVE_S = 30
_DROPPED = ("Error reading SSH protocol banner", "Server connection dropped", "Connection reset", "Invalid packet")


class Link:
    """An open way to a master: the connections of all hops, the last one being the master's."""

    def __init__(self, connections: Sequence[Connection]) -> None:
        self._connections = connections

    @property
    def transport(self) -> Transport:
        return self._connections[-1].transport

    def close(self) -> None:
        for connection in reversed(self._connections):
            with contextlib.suppress(Exception):
                connection.close()


def open_link(hops: Sequence[Hop]) -> Link:
    """Connect through ``hops``. A server that drops us at once (MaxStartups) is asked again, up to four times.

    Raises NimwrapError ``master_unreachable``, ``host_key_changed`` or ``login_refused``.
    """
    import tenacity

    logging.getLogger("paramiko").setLevel(logging.CRITICAL + 1)  # it prints tracebacks of what we report ourselves
    again = tenacity.Retrying(
        stop=tenacity.stop_after_attempt(4) | tenacity.stop_after_delay(CONNECT_S - 1),
        wait=tenacity.wait_random_exponential(multiplier=0.3, max=2),
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, _HopError) and error.may_pass),
        reraise=True,
    )
    try:
        return again(_connected, hops)
    except _HopError as failed:
        raise _translated(failed) from failed.reason


class _HopError(Exception):
    """``reason`` stopped us at ``hop``."""

    def __init__(self, hop: Hop, reason: Exception) -> None:
        super().__init__(str(reason))
        self.hop = hop
        self.reason = reason

    @property
    def may_pass(self) -> bool:
        if isinstance(self.reason, EOFError | ConnectionResetError | BrokenPipeError):
            return True
        return any(text in str(self.reason) for text in _DROPPED)


class _UnknownKeyError(Exception):
    def __init__(self, key: PKey) -> None:
        super().__init__("unknown host key")
        self.key = key


def _connected(hops: Sequence[Hop]) -> Link:
    opened: list[Connection] = []
    for hop in hops:
        try:
            opened.append(_opened(hop, opened[-1] if opened else None))
        except Exception as error:
            Link(opened).close()
            raise _HopError(hop, error) from error
    return Link(opened)


def _opened(hop: Hop, gateway: Connection | None) -> Connection:
    from fabric import Config, Connection

    connection = Connection(
        hop.endpoint.host,
        user=hop.endpoint.user,
        port=hop.endpoint.port,
        config=Config(lazy=True, overrides={"load_ssh_configs": False}),
        gateway=gateway or hop.proxy_command or False,
        forward_agent=False,
        connect_timeout=CONNECT_S,
        connect_kwargs=_arguments(hop),
    )
    connection.client.set_missing_host_key_policy(_refusing())
    for file in hop.known_hosts:
        with contextlib.suppress(FileNotFoundError):
            connection.client.load_system_host_keys(str(file))
    try:
        connection.open()
    except BaseException:
        connection.client.close()
        raise
    transport = connection.transport
    transport.set_keepalive(_KEEPALIVE_S)
    if isinstance(transport.sock, socket.socket):
        transport.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _arguments(hop: Hop) -> dict[str, Any]:
    return {
        "key_filename": list(hop.identity_files),
        "allow_agent": not hop.only_these,
        "look_for_keys": not hop.only_these,
        "banner_timeout": CONNECT_S,
        "auth_timeout": CONNECT_S,
        "channel_timeout": CONNECT_S,
    }


def _refusing() -> Any:
    """Paramiko's own RejectPolicy does not hand out the key, and a user wants to compare it."""
    from paramiko import MissingHostKeyPolicy

    class Refusing(MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko carries no types
        def missing_host_key(self, client: Any, hostname: str, key: PKey) -> None:
            raise _UnknownKeyError(key)

    return Refusing()


def _translated(failed: _HopError) -> NimwrapError:
    """What the user is told: key trouble, login trouble, or anything else, which may pass."""
    from paramiko import BadHostKeyException
    from paramiko.ssh_exception import IncompatiblePeer

    where, error = failed.hop.endpoint, failed.reason
    if isinstance(error, BadHostKeyException | _UnknownKeyError):
        changed = isinstance(error, BadHostKeyException)
        offered = f"{error.key.get_name()} {error.key.fingerprint}"
        return host_key_refused(where, str(failed.hop.known_hosts[0]), changed=changed, offered=offered)
    if refusal := _login_trouble(failed):
        return login_refused(where, *refusal)
    said, hint = _said(error), ""
    if isinstance(error, IncompatiblePeer):
        hint = 'an old server: transport = "openssh" speaks to it, or paramiko before 5'
    elif failed.may_pass:
        said, hint = f"the server closed the connection ({said})", "see MaxStartups and the log of its sshd"
    return unreachable(where, said, hint)


def _said(error: Exception) -> str:
    """The reason in words; of several addresses tried, the first one's."""
    tried = getattr(error, "errors", None)  # NoValidConnectionsError hides why
    if isinstance(tried, dict) and tried:
        error = next(iter(tried.values()))
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _login_trouble(failed: _HopError) -> tuple[str, str] | None:
    """What is wrong with the login and how to mend it; None when the trouble is another one."""
    from paramiko import AuthenticationException, PasswordRequiredException

    error, said = failed.reason, str(failed.reason)
    if isinstance(error, PasswordRequiredException):
        hint = 'use a key without passphrase that only nimwrap can read, or an agent with transport = "openssh"'
        return "the key has a passphrase", hint
    if isinstance(error, AuthenticationException) and "timeout" not in said:
        return said, ""
    if "No authentication methods available" in said:
        return said, f"set identity_file of masters.{failed.hop.endpoint.master}"
    if "private key" in said or "not a valid" in said:
        return f"the key cannot be used: {said}", "check it with: ssh-keygen -y -f KEYFILE"
    return None
