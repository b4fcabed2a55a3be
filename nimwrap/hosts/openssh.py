"""A master over the system's own ``ssh``, which brings agent, certificates, Kerberos and every ssh_config with it.

One connection (ControlMaster) carries all commands; its socket lies in a private directory that goes with us.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import re
import shutil
import threading
import time
from dataclasses import replace
from pathlib import Path

from nimwrap.config.model import MasterConfig
from nimwrap.domain.errors import NimwrapError
from nimwrap.hosts.bounded_output import Passed, Sink
from nimwrap.hosts.command import Command, Unwrapped, unwrapped, wrapped
from nimwrap.hosts.host_errors import host_key_refused, login_refused, not_begun, unfinished, unreachable
from nimwrap.hosts.local_process import run_process
from nimwrap.hosts.openssh_config import CONNECT_S, abandoned, control_directory, write_config
from nimwrap.hosts.protocol import CommandResult
from nimwrap.hosts.ssh_identity import endpoint, identity_file, known_hosts

SESSIONS = 8
"""Commands at a time on one connection: below sshd's usual MaxSessions of 10. Fewer once a server has refused one."""

_FEWEST = 2

_PAUSES_S = (0.3, 0.8, 2.0)
_CROWDED = "Session open refused by peer"
_BEFORE_LOGIN = re.compile(
    r"kex_exchange_identification|banner exchange|connect to (?:host|address)|Could not resolve|no connection within"
    r"|UNKNOWN port|[Uu]nable to negotiate|Bad configuration option|stdio forwarding failed"
)
_NO_PROMPT = {"LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"}
_KEY_OF = re.compile(r"host key (?:is known )?for \[?([^\s\]]+)\]?(?::(\d+))? (?:and|has changed)", re.IGNORECASE)
_OFFERED = re.compile(r"fingerprint for the (\S+) key sent by the remote host is\s+(\S+?)\.?\s", re.IGNORECASE)


class OpensshHost:
    """A master behind the system's ssh. Thread safe."""

    def __init__(self, master: MasterConfig) -> None:
        self._master = master
        self._slots = threading.Semaphore(SESSIONS)
        self._sessions = SESSIONS
        self._lock = threading.Lock()
        self._directory: Path | None = None
        self._socket: Path | None = None
        self._serial = 0

    @property
    def name(self) -> str:
        return self._master.name

    def run(self, script: str, *, timeout: float = 120.0, sink: Sink | None = None) -> CommandResult:
        """As the protocol says. After a passed ``timeout`` the script goes on over there: SSH has no way to end it."""
        command = wrapped(script, become=self._master.become, shell=self._master.shell)
        crowded = False
        self._slots.acquire()
        try:
            started = time.monotonic()
            for pause in (*_PAUSES_S, None):
                raw, back = self._tried(command, timeout, Passed(sink, command.begin) if sink else None)
                crowded = crowded or _CROWDED in back.before
                refusal = None if back.started or raw.returncode != 255 else self._refusal(back.before)
                if refusal is None or pause is None or not refusal.may_pass:
                    break
                time.sleep(pause)
        finally:
            self._leave(crowded)
        if refusal and refusal.definite:
            raise refusal.told
        code = back.ended if raw.returncode in (None, 255) else raw.returncode
        if not back.started and code is not None:
            raise not_begun(endpoint(self._master), self._master.become, back, code)
        stderr = back.stderr + unfinished(self._master.become, back, code)
        return CommandResult(code, back.stdout, stderr, time.monotonic() - started)

    def close(self) -> None:
        """End the connection and remove its socket; a later command opens a new one."""
        with self._lock:
            directory, self._directory, self._socket = self._directory, None, None
        if directory is not None:
            _dissolve(directory)
            atexit.unregister(self.close)

    def _tried(self, command: Command, timeout: float, out: Passed | None) -> tuple[CommandResult, Unwrapped]:
        socket = self._connection()
        raw = self._ssh(["-S", str(socket), "-o", "ControlMaster=no"], [command.line], timeout, command, out)
        back = unwrapped(command, raw.stdout, raw.stderr)
        if back.ended is None and raw.returncode in (None, 255) and _CROWDED not in back.before:
            self._forget(socket)
        return raw, back

    def _leave(self, crowded: bool) -> None:
        """Give the slot back, unless the server takes fewer sessions than we thought."""
        with self._lock:
            if crowded and self._sessions > _FEWEST:
                self._sessions -= 1
                return
        self._slots.release()

    def _connection(self) -> Path:
        """The socket of a live connection; opened here if there is none, so that its failure has its own words."""
        with self._lock:
            if self._socket is not None and self._socket.exists():
                return self._socket
            if self._directory is None:
                for old in abandoned():
                    _dissolve(old)
                self._directory = control_directory()
                atexit.register(self.close)
                write_config(self._directory, self._master, identity_file(self._master))
            self._serial += 1
            socket = self._directory / f"s{self._serial}"
            for pause in (*_PAUSES_S, None):
                error = self._opened(socket)
                if error is None:
                    self._socket = socket
                    return socket
                if error.may_pass:
                    error = self._in_its_own_words(error)
                if pause is None or not error.may_pass:
                    raise error.told
                time.sleep(pause)
        raise AssertionError("unreachable")

    def _opened(self, socket: Path) -> _Refusal | None:
        options = ["-M", "-N", "-f", "-S", str(socket), "-o", "ControlPersist=90"]
        raw = self._ssh(options, [], CONNECT_S * 4)
        if raw.returncode == 0:
            return None
        return self._refusal(raw.stderr if raw.returncode is not None else f"no connection within {CONNECT_S * 4} s")

    def _in_its_own_words(self, refusal: _Refusal) -> _Refusal:
        """Ask once more without a shared connection: with one, ssh hides what the ssh of a jump host says."""
        raw = self._ssh(["-S", "none"], ["true"], CONNECT_S * 4)
        return self._refusal(raw.stderr) if raw.returncode == 255 else refusal

    def _ssh(
        self,
        options: list[str],
        words: list[str],
        timeout: float,
        command: Command | None = None,
        out: Passed | None = None,
    ) -> CommandResult:
        directory = self._directory
        if directory is None:
            raise unreachable(endpoint(self._master), "the connection was closed meanwhile")
        target = [f"-p{self._master.port}"] if self._master.port != 22 else []
        key = identity_file(self._master)
        if key is not None:
            target += ["-o", "IdentitiesOnly=yes", "-i", str(key)]
        argv = ["ssh", "-F", str(directory / "config"), "-T", "-x", "-a", *options, *target]
        argv += ["-l", self._master.user, self._master.host, *words]
        environ = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "SSH_ASKPASS")}
        try:
            if command is None:
                return run_process(argv, timeout=timeout, environ=environ | _NO_PROMPT)
            last = f"@@{command.nonce} end".encode()
            environ |= _NO_PROMPT
            return run_process(argv, timeout=timeout, stdin=command.stdin, environ=environ, last=last, out=out)
        except OSError as error:
            hint = 'install OpenSSH\'s client, or use transport = "ssh"'
            raise unreachable(endpoint(self._master), f"ssh: {error.strerror}", hint) from error

    def _forget(self, socket: Path) -> None:
        """Let nothing new use this connection: it may be dead, or hold what nobody waits for any more."""
        with self._lock:
            if self._socket == socket:
                self._socket = None
        _control(socket, "stop")
        with contextlib.suppress(OSError):
            socket.unlink()

    def _refusal(self, said: str) -> _Refusal:
        return _Refusal(said, self._translated(said))

    def _translated(self, said: str) -> NimwrapError:
        """What ssh said as one of the three troubles; whatever is not known may pass."""
        where = endpoint(self._master)
        if "Host key verification failed" in said or "HAS BEEN REVOKED" in said.upper():
            if (named := _KEY_OF.search(said)) and named[1] != where.known_as:
                where = replace(where, host=named[1], port=int(named[2] or 22), user="")
            offered = _OFFERED.search(said)
            return host_key_refused(
                where,
                str(known_hosts(self._master)[0]),
                changed="HAS CHANGED" in said or "REVOKED" in said,
                offered=" ".join(offered.groups()) if offered else "",
            )
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        last = " / ".join(lines[-2:]) or "ssh gave no reason"
        if any(text in said for text in ("Permission denied", "Too many authentication failures", "Load key")):
            return login_refused(where, last)
        return unreachable(where, last)


def _dissolve(directory: Path) -> None:
    """End the connections whose sockets lie in ``directory``, and remove it."""
    for socket in directory.glob("s*"):
        _control(socket, "exit")
    shutil.rmtree(directory, ignore_errors=True)


def _control(socket: Path, what: str) -> None:
    with contextlib.suppress(OSError):
        run_process(["ssh", "-F", "none", "-S", str(socket), "-O", what, "master"], timeout=3.0)


class _Refusal:
    """Why ssh ended with 255 before the script began.

    ``may_pass``: sshd drops connections at once when too many begin together (MaxStartups). ``definite``: nothing
    was started, for sure; else a connection may have been lost just after the command went out.
    """

    def __init__(self, said: str, told: NimwrapError) -> None:
        self.told = told
        self.may_pass = "kex_exchange_identification" in said and told.code == "master_unreachable"
        self.definite = told.code != "master_unreachable" or _BEFORE_LOGIN.search(said) is not None


def open_host(master: MasterConfig, *, ahead: bool) -> OpensshHost:
    """The host behind ``master``; nothing is connected before its first command."""
    return OpensshHost(master)
