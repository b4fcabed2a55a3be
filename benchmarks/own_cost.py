"""What nimwrap itself costs per client in a fleet run: its own CPU time and its peak memory, not that of the estate.

    .venv/bin/python benchmarks/own_cost.py [--sizes 10,40,100,200] [--parallel 4] [--slope 1.2] [--clients 1000]
        [--memory 100]

Each size is one `backup --all` of a fresh embedded estate whose images are made in an instant. The slope of a pair of
sizes is what one more client costs between them; the last pair's must not be more than --slope times the first
pair's. CPU time of the process alone is counted, so that a busy machine makes little difference. Peak memory is a line
over the sizes; what that line says of --clients must stay under --memory MB. Ends with 1 past a limit. The simulated
hosts need about a second of CPU time for each client: these sizes take minutes, and the line is drawn far beyond what
was measured; `--sizes 100,200,500,1000` measures all of it and takes an hour on two cores.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import linear_regression
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from nimwrap.estate import build  # noqa: E402
from tests.running import environment  # noqa: E402

MEASURED = """
import json, resource, sys
from pathlib import Path
from nimwrap.cli.main import main
code = main(sys.argv[2:])
own = resource.getrusage(resource.RUSAGE_SELF)
status = Path("/proc/self/status").read_text().splitlines()
peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
Path(sys.argv[1]).write_text(json.dumps([code, own.ru_utime + own.ru_stime, peak]))
"""


ALONE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", '"$@" & wait $!', "sh"]
"""A process namespace of its own, so that the estate's ps shows no more than a host's; and in it, as on any host, a
first process that takes leave of those that ended: else they would be listed for ever, and cost what they weigh."""


class Cost(NamedTuple):
    clients: int
    cpu_s: float
    peak_mb: float
    wall_s: float


def measure(root: Path, clients: int, parallel: int) -> Cost:
    """One night of so many clients."""
    estate = build(root / "estate", clients=clients, cluster=False, files=40, image_size=65536, steps=2)
    config = root / "nimwrap.toml"
    config.write_text(estate.config(master={"max_parallel": parallel}))
    tried = shutil.which(ALONE[0]) and subprocess.run([*ALONE, "true"], check=False, stderr=subprocess.DEVNULL)
    alone = ALONE if tried and tried.returncode == 0 else []
    nimwrap = ["--config", str(config), "--json", "backup", "--all"]
    argv = [*alone, sys.executable, "-c", MEASURED, str(root / "cost"), *nimwrap]
    began = time.perf_counter()
    done = subprocess.run(argv, env=environment(root), cwd=ROOT, capture_output=True, check=False)
    wall = time.perf_counter() - began
    runs = json.loads(done.stdout)["data"]["runs"]
    bad = [run for run in runs if run["outcome"] != "ok"]
    assert len(runs) == clients and not bad, [run["failure"] for run in bad[:3]]
    _, cpu, peak = json.loads((root / "cost").read_text())
    return Cost(clients, cpu, peak, wall)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10,40,100,200", help="two pairs of numbers of clients")
    parser.add_argument("--parallel", type=int, default=4)
    parser.add_argument("--slope", type=float, default=1.2)
    parser.add_argument("--clients", type=int, default=1000, help="the night that memory is told of")
    parser.add_argument("--memory", type=float, default=100.0, help="MB")
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    assert len(sizes) == 4, "two pairs of sizes"
    costs = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="nimwrap-cost-") as directory:
            cost = measure(Path(directory), size, options.parallel)
        costs.append(cost)
        print(
            f"{size:5} clients  {cost.cpu_s:7.2f} s own CPU  {cost.cpu_s / size * 1000:6.1f} ms a client  "
            f"peak {cost.peak_mb:5.1f} MB  wall {cost.wall_s:6.0f} s",
            flush=True,
        )
    few, many = (
        (costs[place + 1].cpu_s - costs[place].cpu_s) / (sizes[place + 1] - sizes[place]) * 1000 for place in (0, 2)
    )
    few = max(few, 0.1)  # of very small sizes the difference is noise
    line = linear_regression([cost.clients for cost in costs], [cost.peak_mb for cost in costs])
    expected = line.intercept + line.slope * options.clients
    peak = max(expected, *(cost.peak_mb for cost in costs))
    print(
        f"one more client: {few:.1f} ms from {sizes[0]} to {sizes[1]}, {many:.1f} ms from {sizes[2]} to {sizes[3]}: "
        f"{many / few:.2f}x (limit {options.slope}x)"
    )
    print(
        f"peak memory: {line.intercept:.1f} MB and {line.slope * 1000:.1f} kB for each client; {expected:.0f} MB with "
        f"{options.clients} clients (limit {options.memory:.0f} MB)"
    )
    return int(many > options.slope * few or peak > options.memory)


if __name__ == "__main__":
    sys.exit(main())
