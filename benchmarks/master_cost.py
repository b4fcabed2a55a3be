"""What nimwrap costs a master in a night of many clients: the CPU time of what it starts there, as a share of one core.

    python benchmarks/master_cost.py [--clients 1000] [--at-once 8] [--minutes 18] [--seconds 60] [--shell PROGRAM]

Two parts, both measured with the real scripts, a real shell and the real tools of this machine, and added up for the
night: what every image costs while it is made (its wrapper, and its share of the polls, which are one call for all),
over ``--seconds`` of real time with ``--at-once`` operations that only sleep; and what every client costs once (locks,
start, giving back), with the ``df``, ``ls`` and ``ps`` of this machine. Left out is what NIM itself does, and what AIX
commands cost: they are the estate's own programs here, and say nothing of AIX; how many of them a client takes is
printed by ``benchmarks/overhead.py``. Ends with 1 from ``--limit`` on, a hundredth of a core. A namespace of processes
of its own keeps the ``ps`` of a host, not of the machine that runs the benchmark.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from nimwrap.backup import operation_status, spool  # noqa: E402
from nimwrap.domain.attempt_plan import AttemptPlan  # noqa: E402
from nimwrap.domain.lock_timing import LOOK_S  # noqa: E402
from nimwrap.locks import lock_scripts  # noqa: E402

LIMIT = 0.01
OWN_PROCESSES = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", '"$@" & wait $!', "sh"]
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Master:
    """A spool, and the shell that runs what is sent there."""

    spool: Path
    shell: str
    at_once: int

    def run(self, script: str) -> str:
        script = script.replace("/usr/bin/ksh", self.shell)
        return subprocess.run([self.shell, "-c", script], capture_output=True, text=True, check=False).stdout

    def plan(self, number: int) -> AttemptPlan:
        name = f"aix{number:03}"
        image = f"{self.spool}/{name}.mksysb"
        run = f"20261123T010203-{name}-4f2a"
        return AttemptPlan(
            run, 1, "mksysb", "nim", name, name, "nim", "self", "nim", name, image, image, "ei", str(self.spool), 21600,
            1800, self.at_once,
        )  # fmt: skip

    def begin(self, plan: AttemptPlan, seconds: int) -> None:
        self.run(lock_scripts.locks_script(str(self.spool), [plan.client], plan.run, "benchmark"))
        said = self.run(spool.start_script(plan, f"sleep {seconds}\n", None, "benchmark"))
        assert "started" in said, said

    def end(self, plan: AttemptPlan) -> None:
        self.run(operation_status.poll_script([plan], 0))
        self.run(lock_scripts.give_back_script(str(self.spool), plan.client, plan.run, plan.room))


def children_s() -> float:
    """CPU seconds of all that was started here and has ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def tree_s(pid: int) -> float:
    """CPU seconds of a living process, of those below it, and of those below it that have ended."""
    try:
        values = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return sum(map(int, values[11:15])) / TICK + sum(tree_s(int(child)) for child in below)


def while_made(master: Master, seconds: float) -> float:
    """CPU seconds a second with so many images at once: polls and wrappers."""
    plans = [master.plan(number) for number in range(master.at_once)]
    for plan in plans:
        master.begin(plan, 100_000)
    pids = [int((Path(plan.room) / "pid").read_text()) for plan in plans]
    before, wrappers, began, polls = children_s(), sum(map(tree_s, pids)), time.monotonic(), 0
    while time.monotonic() - began < seconds:
        master.run(operation_status.poll_script(plans, LOOK_S))
        polls += 1
    took = time.monotonic() - began
    polled, beside = (children_s() - before) / took, (sum(map(tree_s, pids)) - wrappers) / took
    print(
        f"{master.at_once} at once, {polls} polls in {took:.0f} s: polls {polled:.2%} of a core, wrappers {beside:.2%}"
    )
    return polled + beside


def once_a_client(master: Master, clients: int = 20) -> float:
    """CPU seconds of the scripts that every client takes once."""
    before = children_s()
    for number in range(500, 500 + clients):
        plan = master.plan(number)
        master.begin(plan, 0)
        while not (Path(plan.room) / "done").exists():
            time.sleep(0.05)
        master.end(plan)
    each = (children_s() - before) / clients
    print(f"locks, start, last look and giving back: {each * 1000:.0f} ms for each client")
    return each


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=18.0, help="that one image takes")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--limit", type=float, default=LIMIT, help="the share of one core from which it ends with 1")
    parser.add_argument("--shell", default=shutil.which("ksh93") or "/bin/sh")
    options = parser.parse_args()
    tried = subprocess.run([*OWN_PROCESSES, "true"], check=False, stderr=subprocess.DEVNULL)
    if tried.returncode == 0 and "NIMWRAP_INSIDE" not in os.environ:
        inside = {**os.environ, "NIMWRAP_INSIDE": "yes"}
        return subprocess.run([*OWN_PROCESSES, sys.executable, *sys.argv], check=False, env=inside).returncode
    with tempfile.TemporaryDirectory(prefix="nimwrap-master-") as directory:
        master = Master(Path(directory), options.shell, options.at_once)
        each = once_a_client(master)
        steady = while_made(master, options.seconds)
    night_s = options.clients * options.minutes * 60 / options.at_once
    share = steady + options.clients * each / night_s
    print(f"{options.clients} clients in {night_s / 3600:.1f} h: {share:.2%} of one core (limit {options.limit:.0%})")
    return int(share >= options.limit)


if __name__ == "__main__":
    sys.exit(main())
