"""Ping URLs in the form of Healthchecks-like services: BASE/start, BASE for success, BASE/fail, with ``rid=``."""

from __future__ import annotations

import http.client
from enum import StrEnum
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import Request, urlopen

from nimwrap import __version__
from nimwrap.config.secret import Secret
from nimwrap.domain.errors import NimwrapError

TRIES = 3
_LIMIT_S = 10


class Signal(StrEnum):
    START = "/start"
    SUCCESS = ""
    FAIL = "/fail"


def ping(base: Secret, signal: Signal, rid: str = "", text: str = "", *, pause_s: float = 0.5) -> str:
    """Send one signal, with a few tries; what went wrong, without the URL, or an empty text."""
    from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

    try:
        url = _url(base.reveal(), signal, rid)
    except NimwrapError as error:
        return error.message
    except ValueError:
        return "notify.ping is not an http or https URL"
    retrying = Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(TRIES),
        wait=wait_exponential(multiplier=pause_s, max=5),
        reraise=True,
    )
    try:
        retrying(_post, url, text)
    except HTTPError as error:
        return f"the ping was answered with HTTP {error.code}"
    except (OSError, http.client.HTTPException) as error:
        return f"the ping was not taken: {_why(error)}"
    return ""


def _url(base: str, signal: Signal, rid: str) -> str:
    """The signal goes to the end of the path, before a query that the base may have; ValueError for no HTTP URL."""
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.hostname or not base.isascii() or not base.isprintable():
        raise ValueError("not a URL")
    query = "&".join(part for part in (parts.query, urlencode({"rid": rid}) if rid else "") if part)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/") + signal.value, query, ""))


def _post(url: str, text: str) -> None:
    headers = {"User-Agent": f"nimwrap/{__version__}", "Content-Type": "text/plain; charset=utf-8"}
    request = Request(url, text.encode("utf-8", "replace")[:10_000], headers)  # noqa: S310 -- _url lets http in alone
    with urlopen(request, timeout=_LIMIT_S) as answer:  # noqa: S310 -- the same
        answer.read(1000)


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, HTTPError):
        return error.code >= 500 or error.code == 429
    return isinstance(error, (OSError, http.client.HTTPException))


def _why(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    said = reason.strerror if isinstance(reason, OSError) else None
    return said or type(reason).__name__
