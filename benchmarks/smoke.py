"""Runs every benchmark once, small: not for its figures, but so that none of them rots.

.venv/bin/python benchmarks/smoke.py
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent

SMALL: dict[str, list[str]] = {
    "startup.py": ["--repeat", "3", "--limit", "6"],
    "history_queries.py": ["--clients", "50", "--runs", "2000", "--repeat", "2"],
    "status.py": ["--clients", "50", "--runs", "2000", "--repeat", "2", "--limit", "6"],
    "makespan.py": ["--clients", "50"],
    "shortest_night.py": ["--masters", "3"],
    "preflight_fanout.py": ["--clients", "16", "--rounds", "1"],
    "overhead.py": ["--repeat", "1", "--limit", "60"],
    "own_cost.py": ["--sizes", "1,3,4,6", "--slope", "9999", "--clients", "6"],
    "master_cost.py": ["--clients", "100", "--at-once", "2", "--seconds", "6", "--limit", "1"],
    "idle_daemon.py": ["--clients", "100", "--seconds", "3", "--core", "5"],
}
"""The arguments that make each benchmark small. A file that is missing here is an error."""


def main() -> int:
    """0 when every benchmark ran and ended with 0."""
    failed = []
    for script in sorted(path.name for path in HERE.glob("*.py") if path.name != "smoke.py"):
        began = time.monotonic()
        done = subprocess.run([sys.executable, str(HERE / script), *SMALL[script]], check=False)
        ended = "FAILED" if done.returncode else "ok"
        print(f"-- {script}: {ended}, {time.monotonic() - began:.1f} s", flush=True)
        if done.returncode:
            failed.append(script)
    print(f"{len(SMALL) - len(failed)} passed, {len(failed)} failed")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
