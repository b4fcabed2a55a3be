"""What a call of nimwrap costs before it does anything, beside a hello-world typer application in the same interpreter.

    .venv/bin/python benchmarks/startup.py [--repeat 21] [--limit 2.0]

Prints medians of CPU seconds, which a busy machine changes least, and ratios; ends with 1 when `--help` or `history`
takes more than `--limit` times the hello-world.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HELLO = """
import typer
app = typer.Typer()

@app.command()
def hello(name: str = "world") -> None:
    print(f"hello {name}")

app()
"""


def median_s(commands: dict[str, list[str]], repeat: int, home: Path) -> dict[str, float]:
    """The median CPU time of each command; the rounds are interleaved, so that a noisy moment meets all of them."""
    times: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(repeat + 1):
        for name, argv in commands.items():
            began = _of_children()
            subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env={"HOME": str(home), "TERM": "dumb"})
            times[name].append(_of_children() - began)
    return {name: statistics.median(taken[1:]) for name, taken in times.items()}  # the first fills the caches


def _of_children() -> float:
    """CPU seconds of all processes that were started and have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=21)
    parser.add_argument("--limit", type=float, default=2.0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nimwrap-startup-") as temporary:
        home = Path(temporary)
        hello = home / "hello.py"
        hello.write_text(HELLO)
        config = home / "nimwrap.toml"
        config.write_text(f'state_dir = "{home}"\n[masters.nim]\ntransport = "local"\n')
        ours = [sys.executable, "-m", "nimwrap", "--config", str(config)]
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "hello-world": [sys.executable, str(hello)],
            "hello-world --help": [sys.executable, str(hello), "--help"],
            "nimwrap --help": [*ours, "--help"],
            "nimwrap history": [*ours, "history"],
            "nimwrap history --json": [*ours, "history", "--json"],
        }
        medians = median_s(commands, options.repeat, home)
    base = medians["hello-world"]
    for name, taken in medians.items():
        print(f"{name:<24}{taken * 1000:7.1f} ms  {taken / base:5.2f}x")
    worst = max(taken / base for name, taken in medians.items() if name.startswith("nimwrap"))
    print(f"worst ratio {worst:.2f}, limit {options.limit}")
    return int(worst > options.limit)


if __name__ == "__main__":
    sys.exit(main())
