"""The scenarios of the explorer: what stands there when it begins, and who does what at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nimwrap.config.load import load
from nimwrap.config.model import Config
from tests.interleaving import acts
from tests.interleaving.acts import Act
from tests.interleaving.exploring import Moment, Play, Schedule, World
from tests.interleaving.reality import Reality

Make = Callable[[Config], Act]
HOUR_S = 3600


@dataclass(frozen=True)
class Scenario:
    """``images``: how many of the client there are; ``who``: the actors. ``killed``: after how many of its steps an
    actor is killed that began before them all; ``damage``: one image is damaged where only a full read sees it."""

    name: str
    who: tuple[tuple[str, Make], ...]
    policy: dict[str, Any] = field(default_factory=dict)
    client: str = "aix01"
    images: int = 1
    killed: tuple[Make, int] | None = None
    damage: bool = False
    pinned: bool = False
    master: dict[str, Any] = field(default_factory=dict)
    behaviour: str = "merge"

    @property
    def strict(self) -> bool:
        return self.killed is None and all(name != "silence" for name, _ in self.who)

    @property
    def actors(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.who)


@dataclass
class Staged:
    """A scenario's world at the moment when its actors begin."""

    world: World
    at: Moment
    reality: Reality

    def recovered(self, at: Moment) -> Moment:
        """After one more recover."""
        return Play(self.world, at, ["later"]).to_the_end(Schedule(("later",))).moment


@contextmanager
def staged(scenario: Scenario, root: Path) -> Iterator[Staged]:
    """The world with its images, and whoever was killed in it."""
    world = World(root)
    world.master.configure(behaviour=scenario.behaviour)
    file = root / "nimwrap.toml"

    def config(**policy: Any) -> Config:
        tables: dict[str, Any] = {"backup": scenario.policy | policy, "master": scenario.master}
        file.write_text(world.master.estate.config(**tables))
        return load(file)

    with acts.explored():
        generous, own = config(keep=9), config()
        world.acts["made"] = acts.backup(generous, scenario.client)
        world.acts["later"] = acts.recovering(own)
        world.acts |= {name: make(own) for name, make in scenario.who}
        at = world.moment
        for number in range(scenario.images):
            at = Moment(at.master, at.control, HOUR_S * number)
            ended = Play(world, at, ["made"]).to_the_end(Schedule(("made",)))
            assert ended.how == {"made": "ok"}, ended.how
            at = ended.moment
        at = _prepared(world, scenario, at)
        before = at
        if scenario.killed is not None:
            make, steps = scenario.killed
            world.acts["killed"] = make(own)
            play = Play(world, at, ["killed"], dead={"killed": steps})
            while "killed" in play.nodes:
                able = play.able()
                play.step(able[0]) if able else play._pass_time()
            at = play.at
        try:
            yield Staged(world, at, Reality(world, before, scenario.strict))
        finally:
            world.close()


def _prepared(world: World, scenario: Scenario, at: Moment) -> Moment:
    master, control = at.master, at.control
    rows = world.control.rows(control, "select id, location from images order by id")
    if scenario.damage:
        spoil = f"printf spoilt | dd of={rows[-1]['location']} bs=1 seek=100000 conv=notrunc 2>/dev/null"
        master = world.master.run(master, at.clock, spoil)[1]
    if scenario.pinned:
        world.control.call(control, "store", "update_image", (rows[0]["id"],), {"pinned": True})
        control = world.control.now
    return Moment(master, control, HOUR_S * scenario.images)


def _backup(config: Config) -> Act:
    return acts.backup(config)


def _powerha(config: Config) -> Act:
    return acts.backup(config, "powerha1")


def _full(config: Config) -> Act:
    return acts.verified(config, full=True)


def _other(config: Config) -> Act:
    return acts.batch(config, "aix02")


_MAKES: dict[str, Make] = {
    "backup": _backup,
    "second": _backup,
    "batch": acts.batch,
    "other": _other,
    "powerha": _powerha,
    "powerha2": _powerha,
    "prune": acts.prune,
    "prune2": acts.prune,
    "quick": acts.verified,
    "full": _full,
    "recover": acts.recovering,
    "recover2": acts.recovering,
    "cancel": acts.cancelling,
    "restore": lambda _config: acts.restoring(),
    "silence": lambda _config: acts.silence,
}


def _of(names: str, **what: Any) -> Scenario:
    policy = what.pop("policy", {"keep": 2})
    label = what.pop("label", "")
    who = tuple((name, _MAKES[name]) for name in names.split())
    return Scenario(f"{names.replace(' ', '+')}{label}", who, policy, **what)


_ONE, _FIXED = {"keep": 1}, {"keep": 1, "naming": "fixed"}
_PRE = {"keep": 2, "remedies": ["pre-export"]}
_POWERHA: dict[str, Any] = {"client": "powerha1", "policy": _PRE, "images": 0}

_PAIRS = [
    _of("backup second"),
    _of("backup batch"),
    _of("backup recover"),
    _of("backup cancel"),
    _of("batch cancel"),
    _of("backup quick"),
    _of("backup full"),
    _of("backup other", master={"max_parallel": 1}),
    _of("backup prune", policy=_ONE, images=3),
    _of("backup second", label=" retention", policy=_ONE, images=2),
    _of("backup prune", label=" pinned", policy=_ONE, images=3, pinned=True),
    _of("prune prune2", policy=_ONE, images=3),
    _of("prune recover", policy=_ONE, images=3),
    _of("prune quick", policy=_ONE, images=2),
    _of("prune full", images=3, damage=True),
    _of("quick full", images=2, damage=True),
    _of("prune restore", policy=_ONE, images=2),
    _of("backup restore", policy=_ONE, images=2),
    _of("recover restore", images=2),
]
_FIXED_NAMES = [
    _of("backup second", label=" fixed", policy=_FIXED),
    _of("backup prune", label=" fixed", policy=_FIXED, images=2),
    _of("backup quick", label=" fixed", policy=_FIXED),
    _of("backup full", label=" fixed", policy=_FIXED),
    _of("backup recover", label=" fixed", policy=_FIXED),
    _of("backup cancel", label=" fixed", policy=_FIXED),
    _of("backup restore", label=" fixed", policy=_FIXED, images=2),
]
_EXPORTS = [
    _of("powerha powerha2", **_POWERHA),
    _of("powerha cancel", **_POWERHA),
    _of("powerha recover", **_POWERHA),
    _of("powerha recover", label=" replace", behaviour="replace", **_POWERHA),
    _of("powerha other", **_POWERHA),
]
_SILENT = [
    _of("backup second silence"),
    _of("backup second silence", label=" fixed", policy=_FIXED),
    _of("backup prune silence", policy=_ONE, images=2),
    _of("prune prune2 silence", policy=_ONE, images=2),
    _of("powerha powerha2 silence", **_POWERHA),
]
_THREE = [
    _of("backup batch recover"),
    _of("backup cancel recover"),
    _of("backup second cancel"),
    _of("backup prune full", policy=_ONE, images=2),
    _of("backup prune recover", label=" fixed", policy=_FIXED),
    _of("prune quick full", images=3, damage=True),
]


def _killed(names: str, victim: str, steps: range, **what: Any) -> list[Scenario]:
    found = []
    for step in steps:
        label = f"{what.get('label', '')} after {victim} {step}"
        one = _of(names, **{**what, "label": label})
        found.append(replace(one, killed=(_MAKES[victim], step)))
    return found


_DEAD = [
    *_killed("recover recover2", "backup", range(4, 28)),
    *_killed("recover second", "backup", range(4, 28, 2)),
    *_killed("recover backup", "prune", range(8, 26), policy=_ONE, images=2),
    *_killed("recover second", "backup", range(22, 60, 2), label=" fixed", policy=_FIXED),
    *_killed("recover powerha2", "powerha", range(6, 32, 2), **_POWERHA),
    *_killed("recover cancel", "backup", range(8, 28, 4)),
]
ALL = {one.name: one for one in [*_PAIRS, *_FIXED_NAMES, *_EXPORTS, *_SILENT, *_THREE, *_DEAD]}
