"""How long a fleet's night is, in virtual time, beside its lower bound, first-come order and cron's fixed slots.

    python benchmarks/makespan.py [--clients 1000] [--seed 1]

1,000 clients on several masters with log-normal durations, predictions that are 20 % off, 5 % of the attempts failing
and tried again after a wait, caps and cluster chains. The lower bound is max(total work / all slots, longest chain).
The queue under test is nimwrap.fleet.queue.Queue itself; only time is simulated.
"""

from __future__ import annotations

import argparse
import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from nimwrap.fleet.queue import Queue, QueuedJob

CAPS = {"nim1": 8, "nim2": 8, "nim3": 4, "nim4": 4}
RETRY_WAIT_S = 300.0


@dataclass
class Client:
    name: str
    master: str
    seconds: float
    predicted_s: float
    chain: str | None
    failures: int
    spent_s: float = field(default=0.0)

    @property
    def work_s(self) -> float:
        """All the time it takes, failed attempts (a quarter of a good one) included."""
        return self.seconds + self.failures * self.seconds / 4


def fleet(clients: int, seed: int) -> list[Client]:
    """A fleet whose clients are spread over the masters in proportion to their caps."""
    rng = random.Random(seed)
    masters = [name for name, cap in CAPS.items() for _ in range(cap)]
    made = []
    for number in range(clients):
        seconds = min(rng.lognormvariate(6.6, 0.6), 4 * 3600)
        # One client in ten is half of a PowerHA pair; a pair shares a master.
        pair = number // 2 if number % 20 < 2 else None
        master = masters[(pair if pair is not None else number) % len(masters)]
        failures = sum(rng.random() < 0.05 for _ in range(2))
        predicted = seconds * rng.uniform(0.8, 1.2)
        chain = f"pair{pair}" if pair is not None else None
        made.append(Client(f"c{number}", master, seconds, predicted, chain, failures))
    return made


def makespan(clients: list[Client], predicted: Callable[[int, Client], float]) -> float:
    """Play the night with the real queue and return when the last image is done."""
    queue: Queue[Client] = Queue(CAPS)
    left = {client.name: client.failures for client in clients}
    queue.add(QueuedJob(client, client.master, predicted(n, client), client.chain) for n, client in enumerate(clients))
    now, events, count = 0.0, list[tuple[float, int, QueuedJob[Client]]](), 0
    while not queue.empty:
        while (job := queue.start_next(now)) is not None:
            fails = left[job.what.name] > 0
            heapq.heappush(events, (now + job.what.seconds * (0.25 if fails else 1), count, job))
            count += 1
        ready = queue.next_ready(now)
        if events and (ready is None or events[0][0] <= now + ready):
            now, _, job = heapq.heappop(events)
            if left[job.what.name]:
                left[job.what.name] -= 1
                queue.later(job, now + RETRY_WAIT_S)
            else:
                queue.finished(job)
        elif ready is not None:
            now += ready
    return now


def cron_slots(clients: list[Client]) -> float:
    """What crontabs do: each client at its own fixed slot, wide enough for the slowest one, per line of the table."""
    slot = max(client.seconds for client in clients)
    ends = []
    for master, cap in CAPS.items():
        own = [client for client in clients if client.master == master]
        ends += [(index // cap) * slot + client.seconds for index, client in enumerate(own)]
    return max(ends)


def lower_bound(clients: list[Client]) -> float:
    """No schedule can be shorter: each master's work over its cap, and each chain one after the other."""
    shares = [sum(client.work_s for client in clients if client.master == master) / cap for master, cap in CAPS.items()]
    chains: dict[str, float] = {}
    for client in clients:
        chains[client.chain or client.name] = chains.get(client.chain or client.name, 0) + client.work_s
    return max(*shares, *chains.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    clients = fleet(options.clients, options.seed)
    bound = lower_bound(clients)
    print(f"{options.clients} clients, {sum(CAPS.values())} slots on {len(CAPS)} masters, seed {options.seed}")
    print(f"lower bound            {bound / 3600:6.2f} h")
    for title, hours in (
        ("longest first (nimwrap)", makespan(clients, lambda _, client: client.predicted_s)),
        ("first come", makespan([*clients], lambda number, _: 1e9 - number)),
        ("cron's fixed slots", cron_slots(clients)),
    ):
        print(f"{title:<23}{hours / 3600:6.2f} h  {hours / bound:5.3f}x")


if __name__ == "__main__":
    main()
