"""The places under ``[notify] urls``, by Apprise (extra ``notify``), called by number: what they hold is secret.

Apprise and the libraries below it log URLs; nothing of theirs is let through.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from nimwrap.concurrency import map_concurrent
from nimwrap.config.secret import Secret
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.monitoring.alerts.digest import DigestMessage

TRIES = 3
_MAIL = ("mailto", "mailtos")
_TALKATIVE = ("apprise", "urllib3", "urllib3.connectionpool", "requests", "smtplib")


@dataclass(frozen=True)
class Delivery:
    """What came of one place. ``trouble`` is empty when it took the message; it never holds the URL."""

    place: str
    trouble: str = ""


def deliver(
    urls: Sequence[Secret], message: DigestMessage, place: str = "notify", *, pause_s: float = 1.0
) -> list[Delivery]:
    """Send ``message`` to every place, side by side, each with a few tries; NimwrapError when Apprise is missing.

    ``place``: the table that the URLs stand in.
    """
    if not urls:
        return []
    if find_spec("apprise") is None:
        raise NimwrapError(
            f"[{place}] urls need Apprise, which is not installed here",
            code="config_invalid",
            hint='pip install "nimwrap[notify]"',
            exit_code=ExitCode.CONFIG,
        )
    with _silenced():
        sent = map_concurrent(
            lambda number: _one(f"{place}.urls[{number}]", urls[number], message, pause_s), range(len(urls))
        )
        return [*sent.values()]


def usable(url: Secret) -> str:
    """What is wrong with a place without sending anything; empty when Apprise understands it."""
    import apprise

    with _silenced():
        try:
            return "" if apprise.Apprise().add(url.reveal()) else "Apprise does not understand this URL"
        except NimwrapError as error:
            return error.message


def _one(name: str, url: Secret, message: DigestMessage, pause_s: float) -> Delivery:
    import apprise

    place = apprise.Apprise()
    try:
        text = url.reveal()
        name = f"{name} ({text.partition(':')[0][:20]})"
        if not place.add(text):
            return Delivery(name, "Apprise does not understand this URL")
        as_html = text.partition(":")[0] in _MAIL and "format=text" not in text and bool(message.html)
        for server in place if as_html else ():
            server.notify_format = apprise.NotifyFormat.HTML  # with a part of plain text, which Apprise makes of it
        took = _tried(place, message, pause_s, as_html=as_html)
    except NimwrapError as error:
        return Delivery(name, error.message)
    except Exception as error:  # a plugin's fault must not break a backup, and its text may hold the URL
        return Delivery(name, f"it failed with {type(error).__name__}")
    return Delivery(name, "" if took else f"it did not take the message, tried {TRIES} times")


def _tried(place: Any, message: DigestMessage, pause_s: float, *, as_html: bool) -> bool:
    from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_exponential

    kind = "failure" if message.urgent else "success"
    retrying = Retrying(
        retry=retry_if_result(lambda took: not took),
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=pause_s, max=10),
        retry_error_callback=lambda state: False,
    )
    body, form = (message.html, "html") if as_html else (message.body, "text")
    took = retrying(place.notify, body=body, title=message.subject, notify_type=kind, body_format=form)
    return bool(took)


@contextmanager
def _silenced() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in _TALKATIVE]
    before = [logger.disabled for logger in loggers]
    for logger in loggers:
        logger.disabled = True
    try:
        yield
    finally:
        for logger, was in zip(loggers, before, strict=True):
            logger.disabled = was
