"""systemd's notify protocol (sd_notify(3)): lines of text in one datagram to the socket the manager names."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import MutableMapping
from dataclasses import dataclass


@dataclass
class Notifier:
    """Speaks to the service manager; silent where there is none. A manager that does not listen is no fault of ours."""

    address: str = ""
    watchdog_s: float | None = None
    """How often the manager wants to hear that the loop still turns; None when it does not ask."""

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> Notifier:
        """What the manager asks of this process; its variables are taken away, so that no child speaks for us."""
        address = environ.pop("NOTIFY_SOCKET", "")
        microseconds = environ.pop("WATCHDOG_USEC", "")
        watched = environ.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        ours = watched and microseconds.isdigit() and int(microseconds) > 0
        return cls(address, int(microseconds) / 1e6 if ours else None)

    def ready(self, status: str) -> None:
        self.send("READY=1", f"STATUS={status}")

    def status(self, status: str) -> None:
        self.send(f"STATUS={status}")

    def watchdog(self) -> None:
        self.send("WATCHDOG=1")

    def reloading(self) -> None:
        """To be followed by :meth:`ready`; the time is what ``Type=notify-reload`` wants."""
        self.send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self, status: str) -> None:
        self.send("STOPPING=1", f"STATUS={status}")

    def send(self, *lines: str) -> None:
        """One datagram; an address that begins with ``@`` is in the abstract namespace."""
        if not self.address:
            return
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.settimeout(1.0)
                channel.sendto("\n".join(line.replace("\n", " ") for line in lines).encode(), address)
        except OSError:
            pass
