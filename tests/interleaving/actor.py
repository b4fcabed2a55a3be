"""An actor: real code of nimwrap in a thread of its own, which stops at each round trip and each transaction.

What it asks for next follows from the answers that it has had, so its whole behaviour is a tree: a node is what it asks
for, an edge an answer. A node that was never come to is found by running the code again with the answers that lead to
it; after that it is known, and costs nothing.
"""

from __future__ import annotations

import hashlib
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from nimwrap.domain.clock import Clock
from nimwrap.domain.errors import NimwrapError
from nimwrap.hosts.protocol import CommandResult
from tests.interleaving.master_disk import BEGAN, waits

EVIDENCE = frozenset({"set_findings", "remember_route", "remember_job_way"})
"""Writes that nobody's decision rests on; they are left out, so that there are fewer steps."""
DECIDING_EVENTS = frozenset({"cancel"})
_LIMIT_S = 120

Request = tuple[Any, ...]
"""``run``, script; ``call``, side, name, arguments, words; ``lease``, act, run; ``sleep`` or ``clock``, seconds;
``end``, how."""


@dataclass(frozen=True)
class Answered:
    """What came back, known by ``number``, when it was ``clock``. ``error``: it was raised."""

    number: int
    clock: int
    value: Any = field(compare=False)
    error: bool = field(compare=False, default=False)


class _Abandoned(BaseException):
    """Nobody goes on with this thread."""


_here = threading.local()


def current() -> Player | None:
    """The actor of this thread."""
    return getattr(_here, "player", None)


class Player:
    """One thread that plays an actor, from its beginning."""

    def __init__(self, name: str, act: Callable[[Player], str]) -> None:
        self.name = name
        self.clock = 0
        self._act = act
        self._asked: Request = ()
        self._answer: Answered | None = None
        self._abandoned = False
        self._tokens = self._ticks = 0
        self._theirs, self._ours = threading.Semaphore(0), threading.Semaphore(0)
        self._thread = threading.Thread(target=self._play, daemon=True)

    def begin(self, clock: int) -> Request:
        """The first request."""
        self.clock = clock
        self._thread.start()
        return self._wait()

    def go_on(self, answer: Answered) -> Request:
        """The next one after this answer."""
        self._answer = answer
        self._theirs.release()
        return self._wait()

    def abandon(self) -> None:
        self._abandoned = True
        self._theirs.release()
        self._thread.join(_LIMIT_S)

    def ask(self, *request: Any) -> Any:
        """In the actor's thread: stop here until somebody goes on with it."""
        if self._abandoned:
            raise _Abandoned
        self._asked = request
        self._ours.release()
        self._theirs.acquire()
        if self._abandoned:
            raise _Abandoned
        answer = self._answer
        assert answer is not None
        self.clock, self._ticks = answer.clock, 0
        if answer.error:
            raise answer.value
        return answer.value

    def token(self, size: int) -> str:
        """A name that nobody else has, the same each time that this is played."""
        self._tokens += 1
        return hashlib.sha256(f"{self.name} {self._tokens}".encode()).hexdigest()[: 2 * size]

    def now(self) -> datetime:
        self._ticks += 1
        return BEGAN + timedelta(seconds=self.clock, microseconds=self._ticks)

    def _wait(self) -> Request:
        assert self._ours.acquire(timeout=_LIMIT_S), f"{self.name} does not come to its next step: {self._asked}"
        return self._asked

    def _play(self) -> None:
        _here.player = self
        try:
            how = self._act(self)
        except _Abandoned:
            return
        except NimwrapError as error:
            how = f"error {error.code}: {error.message}"
        except BaseException:
            how = f"bug: {traceback.format_exc()}"
        self._asked = ("end", how)
        self._ours.release()


@dataclass
class ActorClock(Clock):
    """The master's time as the actor last heard of it."""

    player: Player | None = None

    def _of(self) -> Player:
        assert self.player is not None
        return self.player

    def now(self) -> datetime:
        return self._of().now()

    def monotonic(self) -> float:
        return float(self._of().clock)

    def sleep(self, seconds: float) -> None:
        self._of().ask("sleep", seconds)

    def wait(self, done: threading.Event, seconds: float) -> bool:
        return True  # no heartbeat is needed where time stands still


@dataclass(frozen=True)
class ActorHost:
    """The master as the actor reaches it; what waits there for news is asked again when there may be some."""

    player: Player
    name: str = "nim"

    def run(self, script: str, *, timeout: float = 120.0) -> CommandResult:
        if waits(script):
            self.player.ask("sleep", timeout)
        answer: CommandResult = self.player.ask("run", script)
        return answer

    def close(self) -> None:
        """Nothing is open."""


class ActorHistory:
    """The store or the reader of the history: every call is a step."""

    def __init__(self, player: Player, side: str) -> None:
        self._player, self._side = player, side

    def hurried(self) -> nullcontext[None]:
        return nullcontext()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **words: Any) -> Any:
            if name in EVIDENCE or (name == "event" and arguments[0] not in DECIDING_EVENTS):
                return None
            return self._player.ask("call", self._side, name, arguments, words)

        return call


@dataclass
class Node:
    """``request``: what the actor asks for when it has had these ``answers``."""

    answers: Sequence[Answered]
    request: Request
    after: dict[Answered, Node] = field(default_factory=dict)
    key: str = ""

    def __post_init__(self) -> None:
        self.key = repr(self.request) if self.request[0] in ("call", "lease") else ""


class Tree:
    """All that one actor has been seen to do, when it began at ``clock``."""

    def __init__(self, name: str, act: Callable[[Player], str], clock: int) -> None:
        self._name, self._act, self._clock = name, act, clock
        self._live: dict[int, tuple[Node, Player]] = {}
        self.played = 0
        player = Player(name, act)
        self.root = Node((), player.begin(clock))
        self._live[id(self.root)] = (self.root, player)

    def after(self, node: Node, answer: Answered) -> Node:
        """The node that this answer leads to."""
        known = node.after.get(answer)
        if known is not None:
            return known
        player = self._at(node)
        made = Node((*node.answers, answer), player.go_on(answer))
        node.after[answer] = made
        if made.request[0] != "end":
            self._live[id(made)] = (made, player)
            if len(self._live) > 60:
                self._live.pop(next(iter(self._live)))[1].abandon()
        return made

    def close(self) -> None:
        for _, player in self._live.values():
            player.abandon()
        self._live.clear()

    def _at(self, node: Node) -> Player:
        live = self._live.pop(id(node), None)
        if live is not None:
            return live[1]
        self.played += 1
        player = Player(self._name, self._act)
        asked = player.begin(self._clock)
        for answer in node.answers:
            asked = player.go_on(answer)
        assert repr(asked) == repr(node.request), f"{self._name}, played again, asks {asked} and not {node.request}"
        return player
