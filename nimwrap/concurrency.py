"""Asking several at the same time, so that the slowest keeps nobody who wants to leave."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event, Thread
from typing import TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")

AT_ONCE = 8
_LOOK_S = 0.1


def map_concurrent(
    ask: Callable[[Asked], Answer], all_asked: Iterable[Asked], *, stop: Event | None = None
) -> dict[Asked, Answer]:
    """What ``ask`` returns for each, in their order; those without an answer when ``stop`` was set are left out.

    The threads are daemons, and a KeyboardInterrupt of the caller passes at once: nobody is asked any more, and what is
    being asked is not waited for, neither here nor at the interpreter's exit. So it is for the first error of ``ask``.
    """
    asked = list(all_asked)
    waiting: SimpleQueue[Asked] = SimpleQueue()
    ended: SimpleQueue[tuple[Asked, Future[Answer]]] = SimpleQueue()
    left = Event()

    def work() -> None:
        while not left.is_set():
            try:
                one = waiting.get_nowait()
            except Empty:
                return
            answer: Future[Answer] = Future()
            try:
                answer.set_result(ask(one))
            except BaseException as error:  # raised where the answer is looked at
                answer.set_exception(error)
            ended.put((one, answer))

    for one in asked:
        waiting.put(one)
    for _ in asked[:AT_ONCE]:
        Thread(target=work, daemon=True).start()
    answers: dict[Asked, Answer] = {}
    try:
        while len(answers) < len(asked) and not (stop and stop.is_set()):
            with suppress(Empty):
                one, answer = ended.get(timeout=_LOOK_S if stop else None)
                answers[one] = answer.result()
    finally:
        left.set()
    return {one: answers[one] for one in asked if one in answers}
