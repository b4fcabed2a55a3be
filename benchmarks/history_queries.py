"""What the questions of the read-only commands cost with 1,000 clients and 1,000,000 runs in the history.

    .venv/bin/python benchmarks/history_queries.py [--clients 1000] [--runs 1000000] [--repeat 9]

Prints the median CPU time of each question and of every single query in it, and ends with 1 when a query took longer
than 20 ms, and 25 ms for each thousand clients, or reads a whole table. Needs about 1 GB in the temporary directory for
the full size.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from nimwrap.domain.durations import rfc3339
from nimwrap.history.json_view import runs_json
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.slot_queue import SlotQueue
from nimwrap.history.sqlite.store import Store

LIMIT_MS, CLIENT_MS = 20.0, 0.025
"""What a query may take, and what it may for each client where it has a row for each."""
NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
OUTCOMES = [("ok", None)] * 92 + [("warning", "archive_warning")] * 2 + [("skipped", "held")] * 2
OUTCOMES += [("failed", "space_short"), ("failed", "stalled"), ("refused", "export_denied"), ("locked", "locked")]


def build(path: Path, clients: int, runs: int) -> None:
    """A history of ``runs`` runs, one a night and client, the newest three images of each client still there."""
    Store.open(path).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma synchronous = off")
    connection.execute("begin")
    names = [f"lpar{number:05d}" for number in range(clients)]
    connection.executemany(
        "insert into clients (master, name, type, first_seen, last_seen) values ('nim', ?, 'standalone', ?, ?)",
        [(name, rfc3339(NOW), rfc3339(NOW)) for name in names],
    )
    connection.execute("insert into inventories (master, taken, tried) values ('nim', ?, ?)", (rfc3339(NOW),) * 2)
    nights = max(1, runs // clients)
    rows = list(_nights(names, nights))
    _insert(connection, "runs", (row[0] for row in rows))
    _insert(connection, "attempts", (row[1] for row in rows if row[1]))
    _insert(connection, "images", (row[2] for row in rows if row[2]))
    _insert(connection, "slots", (row[3] for row in rows))
    _insert(connection, "export_changes", (row[4] for row in rows if row[4]))
    connection.execute("commit")
    connection.close()


def _nights(names: Sequence[str], nights: int) -> Iterator[tuple[dict[str, Any] | None, ...]]:
    random = Random(6)
    apart = min(20, 12 * 3600 / len(names))
    for night in range(nights):
        due = NOW - timedelta(days=nights - night)
        for number, client in enumerate(names):
            began = due + timedelta(seconds=int(number * apart))
            outcome, code = random.choice(OUTCOMES)
            run = f"{began:%Y%m%dT%H%M%S}-{client}-{night:04x}"
            took = random.lognormvariate(7.5, 0.5)
            image = outcome in ("ok", "warning")
            remedy = "own-mount" if image and number % 50 == 0 else None
            begin, end = rfc3339(began), rfc3339(began + timedelta(seconds=took))
            same = {"run": run, "master": "nim", "client": client}
            yield (
                {
                    "id": run,
                    "client": client,
                    "master": "nim",
                    "schedule": "nightly",
                    "slot": rfc3339(due),
                    "outcome": outcome,
                    "failure_code": code,
                    "failure_message": code and f"what {code} says",
                    "expected_address": "10.0.0.1",
                    "actual_address": "10.0.0.1",
                    "address_method": "perl",
                    "remedy": remedy,
                    "started": begin,
                    "ended": end,
                    "duration_s": took,
                    "owner_host": "control",
                    "owner_pid": 4711,
                },
                {"run": run, "number": 1, "started": begin, "ended": end, "returncode": 0, "remedy": remedy}
                if image
                else None,
                same
                | {
                    "resource": f"{client}_{night}",
                    "location": f"/export/nim/{client}/{night}.mksysb",
                    "size_bytes": int(took * 8e6),
                    "outcome": outcome,
                    "verified": 1,
                    "created": end,
                    "recorded": end,
                    "removed": None if night >= nights - 3 else end,
                }
                if image
                else None,
                same | {"schedule": "nightly", "slot": rfc3339(due), "state": "done", "claimed": begin},
                {
                    "run": run,
                    "master": "nim",
                    "directory": f"/export/nim/{client}",
                    "added": '["10.0.0.9"]',
                    "state": "reverted",
                    "planned": begin,
                    "applied": begin,
                    "reverted": end,
                }
                if remedy
                else None,
            )


def _insert(connection: sqlite3.Connection, table: str, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows, None)
    if first is None:
        return
    names, marks = ", ".join(first), ", ".join(f":{name}" for name in first)
    sql = f"insert into {table} ({names}) values ({marks})"  # noqa: S608 -- our own names
    connection.execute(sql, first)
    connection.executemany(sql, rows)
    if table == "images":
        connection.execute(
            "update runs set image = (select id from images where images.run = runs.id)"
            " where id in (select run from images where removed is null)"
        )


def questions(slots: SlotQueue, reader: Reader, clients: int) -> dict[str, Callable[[], object]]:
    """Every question that a read-only command asks, with the arguments that cost most."""
    client, retired, week = f"lpar{clients // 2:05d}", f"lpar{clients - 1:05d}", NOW - timedelta(days=7)
    everyone = [("nim", f"lpar{number:05d}") for number in range(clients)]
    night = (NOW - timedelta(hours=18), NOW + timedelta(hours=6))
    newest = reader.runs(limit=50)
    ids = [row.id for row in newest]
    return {
        "history": lambda: runs_json(reader, reader.runs(limit=50), evidence=False),
        "history CLIENT": lambda: reader.runs([client], limit=50),
        "history GLOB": lambda: reader.runs(["lpar*7"], limit=50),
        "history GLOB of all": lambda: reader.runs(["lpar*"], limit=50),
        "history GLOB --outcome locked": lambda: reader.runs(["*9"], outcomes=["locked"], limit=50),
        "history --outcome refused": lambda: reader.runs(outcomes=["refused"], limit=50),
        "history --since 7d --limit 50": lambda: reader.runs(since=week, limit=50),
        "runs by id": lambda: reader.runs_by_id(ids),
        "show RUN": lambda: [
            reader.run(ids[0][:24]),
            reader.stored_run(ids[0]),
            reader.findings(ids[0]),
            reader.events(ids[0]),
        ],
        "exports list": lambda: [reader.open_changes(), reader.changes(limit=50)],
        "open runs": lambda: reader.open_runs("nim"),
        "known clients": reader.known,
        "fleet": reader.fleet,
        "last good of one": lambda: reader.last_good("nim", client),
        "last runs of one": lambda: reader.last_runs("nim", retired, 5),
        "images": reader.images,
        "faulty images": reader.faulty_images,
        "copies": reader.copies,
        "removals stopped": lambda: reader.removal_stop("nim"),
        "images of one": lambda: reader.images("nim", client),
        "image at a place": lambda: reader.image_at("nim", f"/export/nim/{client}/1.mksysb"),
        "sizes": lambda: reader.sizes("nim", client),
        "durations": lambda: reader.durations("nim", client),
        "noted of a day": lambda: reader.noted("verification", NOW - timedelta(days=1)),
        "acts of a day": lambda: reader.acts(NOW - timedelta(days=1)),
        "end of the events": reader.end_of_events,
        "drills of a day": lambda: reader.drills_since(NOW - timedelta(days=1)),
        "remedies proven": lambda: reader.remedies_proven("nim"),
        "job ways": lambda: reader.job_ways("nim", NOW),
        "routes": lambda: reader.routes("nim"),
        "known route": lambda: reader.known_route("nim", client, NOW),
        "holds": lambda: reader.holds(NOW),
        "clients": reader.clients,
        "inventories": reader.inventories,
        "outcomes of nights": lambda: [reader.outcomes_in([night] * 30), reader.missed_in([night] * 30)],
        "starts": lambda: [reader.first_start(), reader.last_start()],
        "a night": lambda: [reader.runs_in(night, 3000), reader.attempts_in(night, 3000)],
        "failures": lambda: [reader.failure_counts(), reader.failed_runs(NOW - timedelta(days=30), 300)],
        "remedy counts": reader.remedy_counts,
        "image series of all": lambda: reader.image_series_of(everyone, "mksysb", 30),
        "durations of all": lambda: reader.durations_of(everyone, "mksysb", 20),
        "bad runs of all": lambda: reader.bad_runs_of(everyone, 28),
        "last runs of a hundred": lambda: reader.last_runs_of(everyone[:100], 28),
        "last good of all": lambda: reader.last_good_of(everyone),
        "clusters": reader.runs_that_saw_a_cluster,
        "space": reader.space_measured,
        "missed slots": lambda: [reader.has_slots(week), reader.missed_slots(week)],
        "runs with open changes": reader.runs_with_open_changes,
        "slots of a week, missed": lambda: reader.slots(since=week, states=["missed", "skipped"]),
        "hours of learned parallelism": lambda: reader.learned_hours("nim"),
        "rates of a week": lambda: reader.learned_rates("nim", week, NOW),
        "changes of parallelism": lambda: reader.parallel_changes("nim", week.isoformat(), None),
        "images dated in the future": lambda: reader.images_dated_after(NOW),
        "images of all": lambda: reader.images_of(everyone, "mksysb"),
        "machines of all": reader.machines,
        "ever good of all": lambda: reader.ever_good(everyone, "mksysb"),
        "exports left": reader.left_exports,
        "last drills": reader.last_drills,
        "drills left": lambda: reader.drills_left("nim"),
        "newest slot": lambda: slots.newest_slot("nightly", NOW),
        "pending slots": lambda: slots.pending(NOW - timedelta(days=3)),
    }


class Timed(Reader):
    """A reader that keeps, of each query, its text and the time it took, and its plan."""

    def __init__(self, path: Path) -> None:
        self.taken: list[tuple[str, float]] = []
        self.plans: dict[str, list[str]] = {}
        super().__init__(path)

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> sqlite3.Cursor:
        if sql not in self.plans:
            self.plans[sql] = [step for *_, step in super().query(f"explain query plan {sql}", parameters)]
        self.taken.append((sql, 0.0))
        return super().query(sql, parameters)

    def records(self, make: Callable[[Sequence[Any]], Any], sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        began = time.process_time()
        rows = super().records(make, sql, parameters)
        self.taken[-1] = (sql, (time.process_time() - began) * 1000)
        return rows

    def each(self, sql: str, parameters: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
        own, place = 0.0, len(self.taken)
        rows = super().each(sql, parameters)
        try:
            while True:
                began = time.process_time()
                row = next(rows, None)
                own += time.process_time() - began
                if row is None:
                    return
                yield row
        finally:
            if place < len(self.taken):
                self.taken[place] = (sql, own * 1000)


def limit_ms(clients: int) -> float:
    """What one query may take at so many clients."""
    return max(LIMIT_MS, clients * CLIENT_MS)


def measure(path: Path, clients: int, repeat: int) -> int:
    """Print a line a question; 1 when one of its queries is slow or reads a whole table."""
    reader = Timed(path)
    slow = False
    print(f"{'question':34} {'whole ms':>9} {'queries':>8} {'slowest ms':>11}")
    store = Store.open(path)
    for name, ask in questions(SlotQueue(store, reader), reader, clients).items():
        ask()
        wholes, slowest = [], []
        for _ in range(repeat):
            reader.taken.clear()
            began = time.process_time()
            ask()
            wholes.append((time.process_time() - began) * 1000)
            slowest.append(max((took for _, took in reader.taken), default=0.0))
        query = statistics.median(slowest)
        slow |= query > limit_ms(clients)
        print(f"{name:34} {statistics.median(wholes):9.2f} {len(reader.taken):8} {query:11.2f}")
    scans = {sql: plan for sql, plan in reader.plans.items() if any(reads_whole_table(step) for step in plan)}
    for sql, plan in scans.items():
        print(f"reads a whole table: {sql}: {plan}")
    reader.close()
    store.close()
    return int(slow or bool(scans))


def reads_whole_table(step: str) -> bool:
    """True for a plan's step that grows with the number of runs."""
    grows = ("runs", "attempts", "findings", "images", "export_changes", "events", "slots")
    words = step.split()
    return words[:1] == ["SCAN"] and words[1] in grows and "INDEX" not in words


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--keep", type=Path, help="build into this directory, and leave it there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nimwrap-history-") as temporary:
        path = (options.keep or Path(temporary)) / "history.db"
        if not path.exists():
            began = time.process_time()
            build(path, options.clients, options.runs)
            print(
                f"built {options.runs} runs of {options.clients} clients in {time.process_time() - began:.0f} s,"
                f" {path.stat().st_size / 2**20:.0f} MiB"
            )
        return measure(path, options.clients, options.repeat)


if __name__ == "__main__":
    sys.exit(main())
