"""A master over SSH by Fabric: a few connections kept open, one command at a time on each.

Fabric opens the connections; commands run on raw channels, because its own output handling takes quadratic time and
its timeout does not notice a dead peer (libraries section 4).
"""

from __future__ import annotations

import contextlib
import threading
import time
from concurrent.futures import Future
from importlib import import_module
from typing import TYPE_CHECKING

from nimwrap.config.model import MasterConfig
from nimwrap.domain.lock_timing import POOL
from nimwrap.hosts.bounded_output import Bounded, Passed, Sink
from nimwrap.hosts.command import Command, unwrapped, wrapped
from nimwrap.hosts.host_errors import not_begun, unfinished, unreachable
from nimwrap.hosts.protocol import CommandResult
from nimwrap.hosts.ssh_connection import CONNECT_S, Link, open_link
from nimwrap.hosts.ssh_hops import route
from nimwrap.hosts.ssh_identity import endpoint

if TYPE_CHECKING:
    from paramiko import Channel

_BLOCK = 262_144
_TICK_S = 0.25
_QUIET_S = 2.0  # over a network the exit status may overtake the output
_DYING_S = 0.5
_LINGER_S = 5.0


class SshHost:
    """A master behind SSH. Thread safe; more than four commands at a time wait for a connection.

    With ``ahead`` the first connection is being made while the caller does other things; trouble with it is told by
    the first command.
    """

    def __init__(self, master: MasterConfig, *, ahead: bool = False) -> None:
        self._master = master
        self._slots = threading.BoundedSemaphore(POOL)
        self._lock = threading.Lock()
        self._idle: list[Link] = []
        self._ahead: Future[Link] | None = None
        if ahead:
            import_module("fabric")  # before the thread: what else is read meanwhile would only slow it down
            self._ahead = Future()
            threading.Thread(target=_connect, args=(master, self._ahead), daemon=True).start()

    @property
    def name(self) -> str:
        return self._master.name

    def run(self, script: str, *, timeout: float = 120.0, sink: Sink | None = None) -> CommandResult:
        """As the protocol says. After a passed ``timeout`` the script goes on over there: SSH has no way to end it."""
        command = wrapped(script, become=self._master.become, shell=self._master.shell)
        with self._slots:
            started = time.monotonic()
            link, channel = self._channel()
            talk = _Talk(channel, started + timeout, Passed(sink, command.begin) if sink else Bounded())
            try:
                code = talk.hold(command)
            except BaseException:
                link.close()
                raise
            self._give_back(link, channel, code)
        back = unwrapped(command, talk.out.text(), talk.err.text())
        if not back.started and code is not None:
            raise not_begun(endpoint(self._master), self._master.become, back, code)
        stderr = back.stderr + unfinished(self._master.become, back, code)
        return CommandResult(code, back.stdout, stderr, time.monotonic() - started)

    def close(self) -> None:
        """Close the idle connections; a later command opens a new one."""
        with self._lock:
            links, self._idle = self._idle, []
            ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.add_done_callback(lambda unused: None if unused.exception() else unused.result().close())
        for link in links:
            link.close()

    def _channel(self) -> tuple[Link, Channel]:
        """A fresh channel. Connections that died while idle are replaced: nothing was started on them."""
        while True:
            with self._lock:
                link = self._idle.pop() if self._idle else None
                ahead, self._ahead = (self._ahead, None) if link is None else (None, self._ahead)
            fresh = link is None
            if link is None:
                link = ahead.result() if ahead is not None else open_link(route(self._master))
            try:
                return link, link.transport.open_session(timeout=CONNECT_S)
            except Exception as error:  # paramiko lets pass what its thread met: SSHException, EOFError, OSError..
                link.close()
                if fresh:
                    hint = "see MaxSessions and the log of its sshd"
                    raise unreachable(endpoint(self._master), f"no session: {error}", hint) from error

    def _give_back(self, link: Link, channel: Channel, code: int | None) -> None:
        """Keep the connection unless the command's end is unknown: then nobody knows what still runs on it."""
        with contextlib.suppress(Exception):
            channel.close()
        if code is None or not link.transport.is_active():
            link.close()
            return
        with self._lock:
            self._idle.append(link)


def _connect(master: MasterConfig, ahead: Future[Link]) -> None:
    try:
        ahead.set_result(open_link(route(master)))
    except BaseException as error:  # whoever takes the connection is told
        ahead.set_exception(error)


class _Talk:
    """One command on one channel until ``deadline`` (monotonic seconds)."""

    def __init__(self, channel: Channel, deadline: float, out: Bounded | Passed) -> None:
        self._channel = channel
        self._deadline = deadline
        self.out = out
        self.err = Bounded()

    def hold(self, command: Command) -> int | None:
        """Run it; the status, or None when it is unknown: lost connection, no exit status, ``deadline`` passed."""
        guard = threading.Timer(self._left() + _TICK_S, self._channel.transport.close)
        guard.daemon = True
        guard.start()  # paramiko waits without any limit for the answer to exec, and to send to a dead peer
        try:
            if not self._sent(command):
                return self._refused()
            self._read()
        finally:
            guard.cancel()
        if not self._channel.exit_status_ready() or self._channel.exit_status < 0:
            return None
        return int(self._channel.exit_status)

    def _sent(self, command: Command) -> bool:
        try:
            self._channel.exec_command(command.line)
            if command.stdin:
                self._channel.settimeout(self._left())
                self._channel.sendall(command.stdin)
            self._channel.shutdown_write()
        except Exception:  # SSHException, EOFError, OSError: whatever paramiko's own thread met
            return False
        return True

    def _refused(self) -> int | None:
        """A server that lives on and closed the channel has refused to run anything; else nobody knows."""
        self._channel.transport.join(_DYING_S)  # a dying connection is "active" for a moment longer
        self._drain()
        return 1 if self._channel.transport.is_active() and time.monotonic() < self._deadline else None

    def _read(self) -> None:
        """Collect output until it and the command have ended; a child left behind may keep the channel open."""
        woken = threading.Event()
        self._channel.in_buffer.set_event(woken)
        self._channel.in_stderr_buffer.set_event(woken)
        gone_at: float | None = None
        quiet_since = time.monotonic()
        while True:
            if self._drain():
                quiet_since = time.monotonic()
            now = time.monotonic()
            exited = self._channel.exit_status_ready()
            if self._channel.closed or (self._channel.eof_received and exited) or now >= self._deadline:
                self._drain()
                return
            if exited:
                gone_at = gone_at or now
                if now - max(quiet_since, gone_at) > _QUIET_S or now - gone_at > _LINGER_S:
                    return
            woken.wait(min(_TICK_S, max(0.01, self._left())))
            if self._channel.eof_received and not exited:
                self._channel.status_event.wait(min(_TICK_S, max(0.01, self._left())))

    def _drain(self) -> bool:
        """Take what has come; True if there was anything."""
        got = False
        while (out := self._channel.recv_ready()) or self._channel.recv_stderr_ready():
            if out:
                self.out.add(self._channel.recv(_BLOCK))
            else:
                self.err.add(self._channel.recv_stderr(_BLOCK))
            got = True
            if time.monotonic() >= self._deadline:
                break
        return got

    def _left(self) -> float:
        return max(0.01, self._deadline - time.monotonic())


def open_host(master: MasterConfig, *, ahead: bool) -> SshHost:
    """The host behind ``master``; its first connection is begun at once with ``ahead``."""
    return SshHost(master, ahead=ahead)
