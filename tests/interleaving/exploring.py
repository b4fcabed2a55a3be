"""The world of one scenario, and the scheduler: exactly one actor goes on at a time, a step each, in a chosen order.

Nothing is done twice: what a script does in a state of the master, and what a transaction does in a state of the
history, is kept, and so is what each actor does after the answers that it has had (see ``actor``). A schedule that
comes only by what is known costs some microseconds; so all of them can be tried, with the real scripts under all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nimwrap.hosts.script_batch import PREAMBLE
from tests.interleaving.actor import Answered, Node, Player, Tree
from tests.interleaving.control_host import ControlHost
from tests.interleaving.master_disk import MasterDisk

OPERATION_S, IDLE_S = 60, 120
"""How long an operation takes; how much time passes at once when everybody waits."""
MOST_IDLE = 40
"""After that much waiting somebody waits for ever."""
MOST_STEPS = 3000


@dataclass(frozen=True)
class Moment:
    """The state of all that is outside the actors: numbers of the master's and the control host's, and the time."""

    master: int
    control: int
    clock: int


@dataclass
class Ended:
    """How one schedule ended. ``steps``: who made each one; ``moments``: what was passed on the way."""

    moment: Moment
    how: dict[str, str]
    steps: list[str]
    moments: list[Moment]


@dataclass(frozen=True)
class Schedule:
    """Who goes on first, and at which steps somebody else does. Whoever is in the way waits or is over: the next of
    ``order`` who can."""

    order: tuple[str, ...]
    switches: tuple[tuple[int, str], ...] = ()

    def __str__(self) -> str:
        return ",".join([">".join(self.order), *(f"{step}:{name}" for step, name in self.switches)])

    @classmethod
    def parse(cls, text: str) -> Schedule:
        order, *switches = text.split(",")
        pairs = [each.partition(":") for each in switches]
        return cls(tuple(order.split(">")), tuple((int(step), name) for step, _, name in pairs))


@dataclass
class World:
    """Everything that is known of what happens in one scenario's estate."""

    root: Path
    acts: dict[str, Callable[[Player], str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.master = MasterDisk(self.root / "master")
        self.control = ControlHost(self.root / "control/history.db")
        self._trees: dict[tuple[str, int], Tree] = {}
        self._steps: dict[tuple[Any, ...], tuple[Answered, int]] = {}
        self._numbers: dict[str, int] = {}

    @property
    def moment(self) -> Moment:
        return Moment(self.master.now, self.control.now, 0)

    def tree(self, name: str, clock: int) -> Tree:
        if (name, clock) not in self._trees:
            self._trees[name, clock] = Tree(name, self.acts[name], clock)
        return self._trees[name, clock]

    def close(self) -> None:
        for tree in self._trees.values():
            tree.close()

    def answer(self, name: str, node: Node, at: Moment) -> tuple[Answered, Moment]:
        """What the actor's request brings now, and the moment after it."""
        kind = node.request[0]
        if kind == "run":
            answer, master = self._run(node.request[1], at)
            return answer, Moment(master, at.control, at.clock)
        if kind == "sleep":
            return Answered(0, at.clock, None), at
        if kind == "clock":
            later = Moment(at.master, at.control, at.clock + node.request[1])
            return Answered(0, later.clock, None), later
        answer, control = self._ask(name, node, at)
        return answer, Moment(at.master, control, at.clock)

    def _run(self, script: str, at: Moment) -> tuple[Answered, int]:
        key = ("run", at.master, at.clock, script)
        if key not in self._steps:
            result, master = self.master.run(at.master, at.clock, script)
            self._steps[key] = (self._answered(result, at.clock), master)
        return self._steps[key]

    def wrapper(self, number: str, at: Moment) -> Moment:
        """The moment after a detached operation has come to its end."""
        key = ("wrapper", at.master, at.clock, number)
        if key not in self._steps:
            self._steps[key] = (Answered(0, 0, None), self.master.run_wrapper(at.master, at.clock, number))
        return Moment(self._steps[key][1], at.control, at.clock + OPERATION_S)

    def gone(self, name: str, control: int) -> int:
        """The control host's state after the actor's process has ended."""
        key = ("gone", name, control)
        if key not in self._steps:
            self._steps[key] = (Answered(0, 0, None), self.control.ended(control, name))
        return self._steps[key][1]

    def _ask(self, name: str, node: Node, at: Moment) -> tuple[Answered, int]:
        leasing = node.request[0] == "lease"
        key = ("ask", at.control, at.clock, name if leasing else "", node.key)
        if key not in self._steps:
            after = at.control
            try:
                if leasing:
                    value = self.control.lease(at.control, node.request[1], node.request[2], name)
                    after = at.control if node.request[1] in ("alive", "list") else self.control.now
                else:
                    value = self.control.call(at.control, *node.request[1:])
                    after = self.control.now
                raised = None
            except Exception as error:
                value = raised = error
            self._steps[key] = (self._answered(value, at.clock, raised is not None), after)
        return self._steps[key]

    def _answered(self, value: Any, clock: int, error: bool = False) -> Answered:
        text = f"{error} {value!r}"
        return Answered(self._numbers.setdefault(text, len(self._numbers) + 1), clock, value, error)


class Play:
    """One schedule, step by step."""

    def __init__(self, world: World, at: Moment, names: Sequence[str], dead: Mapping[str, int] | None = None) -> None:
        self.world, self.at = world, at
        self.nodes: dict[str, Node] = {name: world.tree(name, at.clock).root for name in names}
        self.began = dict.fromkeys(names, at.clock)
        self.waiting: dict[str, Moment] = {}
        self.ended = Ended(at, {}, [], [at])
        self.dead = dict(dead or {})
        self.idle = 0
        for name in names:
            self._over(name)

    def able(self) -> list[str]:
        """Who can go on: the actors in their order, then the operations on the master."""
        actors = [name for name in self.nodes if self.waiting.get(name) != self.at]
        return [*actors, *(f"op{number}" for number in self.world.master.wrappers(self.at.master))]

    def step(self, name: str) -> None:
        """One step of this actor or operation."""
        self.ended.steps.append(name)
        if name.startswith("op") and name not in self.nodes:
            self.at = self.world.wrapper(name[2:], self.at)
        else:
            self._go_on(name)
        self.ended.moments.append(self.at)
        self.ended.moment = self.at

    def _go_on(self, name: str) -> None:
        node = self.nodes[name]
        answer, self.at = self.world.answer(name, node, self.at)
        self.waiting.pop(name, None)
        self.nodes[name] = self.world.tree(name, self.began[name]).after(node, answer)
        if name in self.dead and self.ended.steps.count(name) >= self.dead[name]:
            self.nodes[name] = Node((), ("end", "killed"))
        if self.nodes[name].request[0] == "sleep":
            self.waiting[name] = self.at
        self._over(name)

    def _over(self, name: str) -> None:
        if self.nodes[name].request[0] == "end":
            self.ended.how[name] = self.nodes.pop(name).request[1]
            self.at = Moment(self.at.master, self.world.gone(name, self.at.control), self.at.clock)

    def to_the_end(self, schedule: Schedule, tell: Callable[[str], object] | None = None) -> Ended:
        """Everybody goes on as the schedule says; ``tell`` hears of each step before it is made."""
        switches, on = dict(schedule.switches), schedule.order[0]
        while self.nodes or self.world.master.wrappers(self.at.master):
            able = self.able()
            if not able:
                self._pass_time()
                continue
            on = switches.get(len(self.ended.steps), on)
            if on not in able:
                on = next((name for name in schedule.order if name in able), able[0])
            if tell is not None:
                tell(self._said(on))
            self.step(on)
            if len(self.ended.steps) > MOST_STEPS:
                return self._stuck("does not come to an end")
            if self.idle > MOST_IDLE:
                return self._stuck("waits for ever")
        return self.ended

    def _said(self, name: str) -> str:
        request = self.nodes[name].request if name in self.nodes else ("its wrapper",)
        text = " ".join(str(part).removeprefix(PREAMBLE).replace("\n", "; ") for part in request)
        return f"{len(self.ended.steps):4} {name}: {text[:160]}"

    def _pass_time(self) -> None:
        self.idle += 1
        self.at = Moment(self.at.master, self.at.control, self.at.clock + IDLE_S)

    def _stuck(self, why: str) -> Ended:
        self.ended.how |= dict.fromkeys(self.nodes, f"bug: {why}")
        return self.ended


def bounded(world: World, at: Moment, names: Sequence[str], switches: int) -> Iterator[tuple[Schedule, Ended]]:
    """Every schedule with at most so many switches away from somebody who could have gone on, each played."""
    for order in _orders(tuple(names)):
        yield from _more(world, at, Schedule(order), switches)


def _more(world: World, at: Moment, schedule: Schedule, left: int) -> Iterator[tuple[Schedule, Ended]]:
    ended = Play(world, at, schedule.order).to_the_end(schedule)
    yield schedule, ended
    if not left:
        return
    first = schedule.switches[-1][0] + 1 if schedule.switches else 1
    for step in range(first, len(ended.steps)):
        others = sorted({*schedule.order, *ended.steps} - {ended.steps[step]})
        for other in others:
            if other in ended.steps[step:]:
                more = Schedule(schedule.order, (*schedule.switches, (step, other)))
                yield from _more(world, at, more, left - 1)


def _orders(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Each of them first once, the others after it in turn."""
    return [names[number:] + names[:number] for number in range(len(names))]
