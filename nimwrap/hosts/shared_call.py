"""One call to a host for all that wait for news of it, whichever of their threads asks first."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Subject = TypeVar("Subject")
News = TypeVar("News")

_LISTEN_S = 0.5


@dataclass
class _Followed(Generic[Subject, News]):
    subject: Subject
    unread: News | None = None


@dataclass
class SharedCall(Generic[Subject, News]):
    """Subjects that are followed, by name. Each call asks about all of them, and its answer is kept for each."""

    _followed: dict[str, _Followed[Subject, News]] = field(default_factory=dict)
    _answered: threading.Condition = field(default_factory=threading.Condition)
    _asking: bool = False

    @contextmanager
    def following(self, name: str, subject: Subject) -> Iterator[None]:
        """In this block the subject is part of every call."""
        with self._answered:
            self._followed[name] = _Followed(subject)
        try:
            yield
        finally:
            with self._answered:
                del self._followed[name]

    def next(
        self, name: str, ask: Callable[[Sequence[Subject]], Mapping[str, News]], check: Callable[[], None]
    ) -> News:
        """The next news of a followed subject that were not returned before.

        ``check`` is called now and then while another thread asks, and may raise. What ``ask`` raises, the thread that
        called it gets; ValueError where its answer says nothing of ``name``.
        """
        while True:
            with self._answered:
                mine = self._followed[name]
                while mine.unread is None and self._asking:
                    self._answered.wait(_LISTEN_S)
                    check()
                if mine.unread is not None:
                    news, mine.unread = mine.unread, None
                    return news
                self._asking = True
                asked = dict(self._followed)
            answer: Mapping[str, News] = {}
            try:
                answer = ask([each.subject for each in asked.values()])
            finally:
                with self._answered:
                    self._asking = False
                    for about, news in answer.items():
                        asked[about].unread = news
                    self._answered.notify_all()
            if name not in answer:
                raise ValueError(f"the answer says nothing of {name}")
