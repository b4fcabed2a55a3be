"""What `status`, `report` and `metrics` cost with 1,000 clients and 1,000,000 runs in the history.

    .venv/bin/python benchmarks/status.py [--clients 1000] [--runs 1000000] [--repeat 9] [--limit 2.0]

Everything is CPU time, which a busy machine changes least. Ends with 1 when `status` takes longer than `--limit` times
a hello-world typer application plus its queries, the verdicts on their rows and the rendering, when the report takes
3 s, or 3 MB or 1.6 kB a client, when one of the three asks more than 60 queries, or when a query takes 20 ms or 25 ms
for each thousand clients, or reads a whole table. Each figure stands with its part of what is allowed.
"""

from __future__ import annotations

import argparse
import io
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import datetime
from pathlib import Path

from history_queries import NOW, Timed, build, limit_ms, reads_whole_table
from startup import HELLO, median_s

from nimwrap.cli.output.printer import Printer, print_json
from nimwrap.cli.output.status_text import show
from nimwrap.cli.verbs.status import site_json
from nimwrap.config.load import load
from nimwrap.config.model import Config
from nimwrap.history.sqlite.queries import Reader
from nimwrap.monitoring.prometheus import metrics_text
from nimwrap.monitoring.protection import protection
from nimwrap.monitoring.report.page import page

CONFIG = '[masters.nim]\ntransport = "local"\nmax_parallel = 90\n'
SCHEDULE = '[nightly]\ncron = "0 6 * * *"\ntargets = ["lpar*"]\njitter = "10m"\n'
REPORT_S, REPORT_MB, CLIENT_MB, QUERIES = 3.0, 3.0, 0.0016, 60


def enrich(path: Path, clients: int) -> None:
    """What the plain history lacks: measured room in the last nights, and a fifth of the clients in PowerHA pairs."""
    connection = sqlite3.connect(path)
    connection.execute(
        """insert into findings (run, "check", status, message, data) select id, 'space', 'ok', 'room',
        '{"mounted_on": "/export/nim", "free_bytes": 90000000000000}' from runs where started >= ?""",
        (NOW.replace(day=NOW.day - 2).isoformat(),),
    )
    for number in range(clients // 10):
        pair = [f"lpar{number * 10 + node:05d}" for node in (0, 1)]
        groups = [{"name": "rg", "state": "ONLINE", "node": pair[0]}]
        seen = {"name": f"ha{number}", "resource_groups": groups, "service_addresses": ["10.0.0.9"]}
        connection.execute(
            "update runs set cluster = ? where master = 'nim' and client in (?, ?) and started >= ?",
            (json.dumps(seen), *pair, NOW.replace(month=NOW.month - 1).isoformat()),
        )
        connection.execute("update clients set cluster = ? where name in (?, ?)", (f"ha{number}", *pair))
    connection.commit()
    connection.close()


def median_ms(act: Callable[[], object], repeat: int) -> float:
    """The median of several calls after a first one that fills the caches."""
    taken = []
    for _ in range(repeat + 1):
        began = time.process_time()
        act()
        taken.append((time.process_time() - began) * 1000)
    return statistics.median(taken[1:])


def status(config: Config, file: Path, repeat: int, limit: float) -> bool:
    """True when a form of `status` is slower than ``limit`` times hello-world plus what it reads and prints."""
    hello = file.parent / "hello.py"
    hello.write_text(HELLO)
    ours = [sys.executable, "-m", "nimwrap", "--config", str(file), "status"]
    shell = ["/bin/sh", "-c", '"$@" || test $? -le 3', "sh"]  # clients that are not fine are no failure here
    forms = {
        "hello-world": [*shell, sys.executable, str(hello)],
        "status": [*shell, *ours],
        "status --json": [*shell, *ours, "--json"],
        "status --nagios": [*shell, *ours, "--nagios"],
    }
    wholes = median_s(forms, repeat, file.parent)
    reader = Timed(config.database)
    queries = []
    for _ in range(repeat + 1):
        reader.taken.clear()
        protection(config, reader, NOW)
        queries.append(sum(took for _, took in reader.taken))
    read = statistics.median(queries[1:])
    judged = median_ms(lambda: protection(config, reader, NOW), repeat)
    found = protection(config, reader, NOW)
    reader.close()

    def printed(write: Callable[[], None]) -> float:
        with redirect_stdout(io.StringIO()):
            return median_ms(write, repeat)

    rendered = {
        "status": printed(lambda: show(Printer(colour=False, terminal=False), found)),
        "status --json": printed(lambda: print_json(site_json(found))),
        "status --nagios": 0.0,
    }
    base = wholes["hello-world"] * 1000
    print(
        f"hello-world {base:.0f} ms; queries {read:.0f} ms; queries and verdicts {judged:.0f} ms; "
        f"{len(found.clients)} clients, {len(found.clusters)} clusters"
    )
    slow = False
    for form, render in rendered.items():
        whole, allowed = wholes[form] * 1000, limit * base + judged + render
        slow |= whole > allowed
        sums = f"{limit:g} x {base:.0f} + {judged:.0f} + {render:.0f}"
        print(f"{form:18} {whole:7.0f} ms   allowed {allowed:6.0f} ms = {sums}")
    return slow


def written(config: Config, clients: int) -> bool:
    """True when the report is too slow or too large, or report or metrics ask too many, slow or unindexed queries."""
    bad = False
    acts: dict[str, Callable[[Config, Reader, datetime], object]] = {
        "status": protection,
        "report": page,
        "metrics": metrics_text,
    }
    for name, act in acts.items():
        reader = Timed(config.database)
        took, slowest, text = [], [], None
        for _ in range(4):
            reader.taken.clear()
            began = time.process_time()
            text = act(config, reader, NOW)
            took.append(time.process_time() - began)
            slowest.append(max(reader.taken, key=lambda pair: pair[1]))
        sql, worst = min(slowest[1:], key=lambda pair: pair[1])
        parts = {"queries": (len(reader.taken), QUERIES), "slowest query ms": (worst, limit_ms(clients))}
        if name == "report" and isinstance(text, str):
            parts["s"] = (took[0], REPORT_S)
            parts["MB"] = (len(text.encode()) / 1e6, max(REPORT_MB, clients * CLIENT_MB))
        print(f"{name:10} first {took[0]:5.2f} s, then {min(took[1:]):5.2f} s; slowest: {' '.join(sql.split())[:60]}")
        for what, (found, allowed) in parts.items():
            print(f"  {what:18} {found:9.2f} of {allowed:g}: {found / allowed:.2f}")
        scans = {sql for sql, plan in reader.plans.items() if any(map(reads_whole_table, plan))}
        for sql in scans:
            print(f"reads a whole table: {sql}")
        bad |= bool(scans) or any(found > allowed for found, allowed in parts.values())
        reader.close()
    return bad


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--limit", type=float, default=2.0)
    parser.add_argument("--keep", type=Path, help="build into this directory, and leave it there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nimwrap-status-") as temporary:
        home = options.keep or Path(temporary)
        file = home / "nimwrap.toml"
        file.write_text(f'state_dir = "{home}"\n{CONFIG}')
        (home / "schedules").mkdir(exist_ok=True)
        (home / "schedules" / "nightly.toml").write_text(SCHEDULE)
        config = load(file)
        if not config.database.exists():
            build(config.database, options.clients, options.runs)
            enrich(config.database, options.clients)
        slow = status(config, file, options.repeat, options.limit)
        return int(written(config, options.clients) or slow)


if __name__ == "__main__":
    sys.exit(main())
