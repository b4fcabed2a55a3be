"""How near ``max_parallel = "auto"`` comes to the best fixed number of a night, found afterwards by trying all of them.

    python benchmarks/shortest_night.py [--masters 200] [--nights 2] [--seed 0] [--check]

Virtual time: the controller under test is nimwrap.domain.parallelism itself, the master is the model of
benchmarks/simulated_master, whose parameters name their sources. Each night has its own noise, crashes and load of
others, the same for every rule that is tried on it. A fixed 4 and "all at once" stand beside it. ``--check`` ends with
1 unless what issue 19 asks for is reached.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from simulated_master.master import Luck, Master, random_master
from simulated_master.night import Moment, Night, fixed, play

from nimwrap.domain.parallelism import Observation, Remembered, begin, observe, remembered

LIMIT = 16
TRIED = (8, 10, 6, 12, 14, 16, 15, 13, 11, 9, 7, 5, 4, 3, 2, 1)
"""Every number, those first that are likely to be good: the others are given up as soon as they have lost."""
LOST = 3.0
"""A night this many times as long as the best one is not played to its end."""


@dataclass(frozen=True)
class Compared:
    """One night under each rule; ``number`` is the best fixed one."""

    number: int
    best: Night
    four: Night
    crowd: Night
    auto: Night


class Learning:
    """``max_parallel = "auto"`` on one master: what it remembers of each hour lasts from night to night."""

    def __init__(self) -> None:
        self.memory: dict[int, Remembered] = {}

    def rule(self) -> Callable[[Moment], int]:
        """The controller of one night."""
        state = begin(LIMIT, self.memory.get(0))

        def may_run(moment: Moment) -> int:
            nonlocal state
            state = observe(state, Observation(moment.at, moment.sizes, moment.proving, moment.troubles))
            hour = int(moment.at // 3600)
            kept = remembered(self.memory.get(hour), state)
            if kept is not None:
                self.memory[hour] = kept
            return state.cap

        return may_run


def best_fixed(master: Master, luck: Luck) -> tuple[int, Night]:
    """The number that makes this night shortest. One that could not win if nobody ever waited is not played."""
    alone = sum(client.size / client.own_rate + client.quiet_s for client in master.clients)
    number, best = 0, Night()
    for tried in TRIED:
        if alone / tried > 1.15 * best.makespan:
            continue
        night = play(master, luck, fixed(tried), best.makespan)
        if night.makespan < best.makespan:
            number, best = tried, night
    return number, best


def compare(master: Master, number: int, learning: Learning) -> Compared:
    """One night of a master."""
    luck = Luck(master, number)
    found, best = best_fixed(master, luck)
    return Compared(
        found,
        best,
        play(master, luck, fixed(4)),
        play(master, luck, fixed(len(master.clients)), LOST * best.makespan),
        play(master, luck, learning.rule()),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--masters", type=int, default=200)
    parser.add_argument("--nights", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    nights: list[list[Compared]] = [[] for _ in range(options.nights)]
    for seed in range(options.seed, options.seed + options.masters):
        master, learning = random_master(seed), Learning()
        for number, night in enumerate(nights):
            night.append(compare(master, number, learning))
    reached = [_told(number, night) for number, night in enumerate(nights, 1)]
    return int(options.check and not all(reached))


def _told(number: int, night: Sequence[Compared]) -> bool:
    """Print one night of all masters; whether what is asked of it was reached."""
    auto = [each.auto.makespan / each.best.makespan for each in night]
    more = sum(each.auto.timeouts > each.four.timeouts for each in night)
    print(f"night {number}: {len(night)} masters, best fixed number {_spread([each.number for each in night])}")
    rules: tuple[tuple[str, Callable[[Compared], Night]], ...] = (
        ("auto", lambda each: each.auto),
        ("max_parallel = 4", lambda each: each.four),
        ("all at once", lambda each: each.crowd),
        ("the best fixed", lambda each: each.best),
    )
    for title, of in rules:
        ratios = [min(LOST, of(each).makespan / each.best.makespan) for each in night]
        timeouts = sum(of(each).timeouts for each in night)
        figures = f"{median(ratios):6.3f}x {_share(ratios, 0.95):6.3f}x {max(ratios):6.3f}x"
        print(f"  {title:<18} median, p95, most {figures}   time-outs {timeouts}")
    print(f"  more time-outs than with 4: {more} nights")
    allowed = 1.05 if number == 1 else 1.02
    return median(auto) <= allowed and _share(auto, 0.95) <= 1.15 and more == 0


def _share(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def _spread(values: Sequence[int]) -> str:
    return f"{min(values)} to {max(values)}, mostly {median(values):.0f}"


if __name__ == "__main__":
    sys.exit(main())
