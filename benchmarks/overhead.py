"""What one backup costs beside the bare nim command, over the same SSH server; and how often it goes to the master.

    .venv/bin/python benchmarks/overhead.py [--repeat 5] [--limit 1.0]

Both make an image of the same client of the embedded estate through a real sshd on loopback. Prints medians, the
difference, and the round trips before the image starts (at most 12). Ends with 1 past a limit.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the tests' sshd is used as it is

from nimwrap.estate import build  # noqa: E402
from tests.hosts.sshd import SSHD, Sshd  # noqa: E402
from tests.running import command, environment  # noqa: E402

MOST_TRIPS = 12
CLIENT = "powerha2"


def timed(argv: list[str], env: dict[str, str]) -> float:
    began = time.perf_counter()
    done = subprocess.run(argv, env=env, capture_output=True, check=False)
    taken = time.perf_counter() - began
    if done.returncode != 0:
        raise SystemExit(done.stdout.decode() + done.stderr.decode())
    return taken


def bare(keys: dict[str, object], number: int) -> list[str]:
    """The cron line's command, over a fresh connection as ssh makes it."""
    location = f"/export/nim/mksysb/{CLIENT}/bare{number}.mksysb"
    nim = (
        f"/usr/sbin/nim -o define -t mksysb -a server=master -a source={CLIENT} -a mk_image=yes -a mksysb_flags=ei"
        f" -a location={location} bare{number}"
    )
    return [
        "ssh",
        "-p",
        str(keys["port"]),
        "-i",
        str(keys["identity_file"]),
        "-o",
        "BatchMode=yes",
        "-o",
        f"UserKnownHostsFile={keys['known_hosts']}",
        f"{keys['user']}@{keys['host']}",
        nim,
    ]


def trips_before_image(trace: Path) -> int:
    """Round trips up to and with the one that starts the operation."""
    trips = 0
    for line in trace.read_text().splitlines():
        trips += "host.run before" in line
        if "begin_attempt after" in line:
            return trips + 1
    return trips


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--limit", type=float, default=1.0, help="seconds that nimwrap may take more")
    options = parser.parse_args()
    if SSHD is None:
        print("no sshd on this machine: nothing measured")
        return 0
    with tempfile.TemporaryDirectory(prefix="nimwrap-overhead-") as directory:
        root = Path(directory)
        estate = build(root / "estate")
        with Sshd(root / "sshd", force_command=estate.shell("nim")) as server:
            keys = server.master_keys()
            config = root / "nimwrap.toml"
            config.write_text(estate.config("ssh", master=keys, backup={"keep": 99}))
            env = environment(root)
            wrapped = command("backup", CLIENT, "--json", config=config)
            timed(wrapped, env)  # the first one is read in full: there is nothing to compare it with
            pairs = [(timed(bare(keys, n), env), timed(wrapped, env)) for n in range(options.repeat)]
            trace = root / "trace"
            timed(wrapped, env | {"NIMWRAP_FAILPOINT_TRACE": str(trace)})
            trips = trips_before_image(trace)
        estate.stop()
    nim, ours = (statistics.median(column) for column in zip(*pairs, strict=True))
    more = statistics.median(one - other for other, one in pairs)
    print(f"bare nim over ssh   {nim:6.2f} s")
    print(f"nimwrap backup      {ours:6.2f} s   {ours / nim:4.2f}x, {more:+.2f} s (limit {options.limit:+.1f} s)")
    print(f"round trips before the image starts: {trips} (limit {MOST_TRIPS})")
    return int(more > options.limit or trips > MOST_TRIPS)


if __name__ == "__main__":
    sys.exit(main())
