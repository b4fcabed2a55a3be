"""What `nimwrap serve` costs while nothing is due, with many clients: memory, and its share of a core.

    .venv/bin/python benchmarks/idle_daemon.py [--clients 1000] [--seconds 60] [--memory 80] [--core 0.5]

The inventory is asked of a master that lists that many clients, as after every start. Ends with 1 when the daemon's
peak memory (MB) or its CPU time (per cent of a core, from READY to the end) is above the limit.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STANZA = """\
aix{n:04}:
   class          = machines
   type           = standalone
   connect        = nimsh
   platform       = chrp
   netboot_kernel = 64
   if1            = net_10_20 aix{n:04} 0
   cable_type1    = N/A
   Cstate         = ready for a NIM operation
   prev_state     = ready for a NIM operation
   Mstate         = currently running
   cpuid          = 00F6{n:04X}4C00
   Cstate_result  = success
"""
CONFIG = """\
state_dir = "{root}/state"

[masters.nim]
transport = "local"
shell = "{root}/master"
"""
SCHEDULES = """\
[nightly]
cron = "{nightly}"
targets = ["*"]
window = "6h"
jitter = "30m"

[weekly]
cron = "{weekly}"
timezone = "Australia/Melbourne"
targets = ["aix0*"]
"""


def prepare(root: Path, clients: int) -> Path:
    """A configuration with schedules that are not due soon, and a master that answers with a listing."""
    (root / "listing").write_text("".join(STANZA.format(n=number) for number in range(clients)))
    master = root / "master"
    master.write_text(f"#!/bin/sh\ncat {root}/listing\n")
    master.chmod(0o755)
    (root / "schedules").mkdir()
    hour = (time.gmtime().tm_hour + 12) % 24
    (root / "schedules" / "all.toml").write_text(SCHEDULES.format(nightly=f"0 {hour} * * *", weekly="0 1 1 1 *"))
    config = root / "nimwrap.toml"
    config.write_text(CONFIG.format(root=root))
    return config


def cpu_s(pid: int) -> float:
    """User and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int, what: str) -> float:
    """``VmRSS`` or ``VmHWM`` of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def measure(root: Path, clients: int, seconds: float) -> tuple[float, float, float]:
    """Peak memory, memory at the end, and the share of a core, after the daemon has said READY and settled."""
    config = prepare(root, clients)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(root / "notify"))
        manager.settimeout(60)
        environment = {"HOME": str(root), "NOTIFY_SOCKET": str(root / "notify"), "WATCHDOG_USEC": "120000000"}
        argv = [sys.executable, "-m", "nimwrap", "--config", str(config), "serve"]
        here = Path(__file__).resolve().parent.parent
        with (root / "log").open("wb") as log:
            daemon = subprocess.Popen(argv, env=environment, stdout=log, stderr=log, cwd=here)
        try:
            while "READY=1" not in manager.recv(4096).decode():
                pass
            time.sleep(5)
            began, before = time.monotonic(), cpu_s(daemon.pid)
            time.sleep(seconds)
            share = (cpu_s(daemon.pid) - before) / (time.monotonic() - began) * 100
            return memory_mb(daemon.pid, "VmHWM"), memory_mb(daemon.pid, "VmRSS"), share
        finally:
            daemon.send_signal(signal.SIGTERM)
            daemon.wait(30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--memory", type=float, default=80.0)
    parser.add_argument("--core", type=float, default=0.5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nimwrap-idle-") as temporary:
        root = Path(temporary)
        peak, now, share = measure(root, options.clients, options.seconds)
        from nimwrap.history.sqlite.queries import Reader

        with Reader.open(root / "state" / "history.db") as reader:
            known = len(reader.clients())
    print(f"clients in the inventory  {known}")
    print(f"peak memory               {peak:.1f} MB  (limit {options.memory:.0f})")
    print(f"memory when idle          {now:.1f} MB")
    print(f"share of a core           {share:.2f} %  (limit {options.core})")
    return int(peak > options.memory or share > options.core or known != options.clients)


if __name__ == "__main__":
    sys.exit(main())
