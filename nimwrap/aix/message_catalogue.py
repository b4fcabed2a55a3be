"""What messages mean: the catalogue behind ``nimwrap explain``, from the data files beside this module."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from nimwrap.domain.codes import FailureCode

DATA_FILES = ("nim.toml", "nfs.toml", "backup.toml", "cluster.toml", "ours.toml")
OWN_SOURCE = "nimwrap's own failure code"
NO_PAGE = "reports from the field; no public page"

_LEVELS = ("cause", "effect", "wrapper", "good")  # nearest the cause first
_CODE = re.compile(r"(?<![\w-])\d{4}-\d{3,4}(?![\w-])")
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")  # a log pasted from a terminal
_EXIT_STATUS = re.compile(r"(?:rc=)?(\d{1,3})")

NIM_LIST = "IBM's list: https://ibm.com/docs/ssw_aix_71/com.ibm.aix.install/nim_error_messages.htm"

_OPAQUE = {
    "says": "A message of NIM whose meaning stands in IBM's list of NIM error and warning messages.",
    "causes": ["See the list; the messages around it, and any command output below 0042-175, say more"],
    "run": [NIM_LIST, "on the master: alog -f /var/adm/ras/nimlog -o"],
    "nimwrap": "Failure code unknown, with the raw message. It invents no meaning.",
    "sources": ["nim-messages", "nim-messages-4"],
}


@dataclass(frozen=True)
class PublicPage:
    """A page that a user can open."""

    title: str
    address: str


@dataclass(frozen=True)
class Explanation:
    """``causes`` in order of likelihood; ``run`` what to look at or do; ``nimwrap`` what nimwrap does about it.

    ``seen``: which of these statements stand in a real machine's output: ``message``, ``cause N``, ``cure``.
    """

    code: str
    says: str
    causes: tuple[str, ...]
    run: tuple[str, ...]
    nimwrap: str
    source: str
    sources: tuple[PublicPage, ...] = ()
    seen: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExplainedMessage:
    """One entry of the data files. ``family`` speaks for all codes of its prefix that have no entry of their own."""

    explanation: Explanation
    level: int
    phrases: tuple[re.Pattern[str], ...] = ()
    family: bool = False


def _entry(row: dict[str, object], own: bool) -> ExplainedMessage:
    told: dict[str, object] = {**_OPAQUE, **row} if "opaque" in row else row

    def texts(key: str) -> tuple[str, ...]:
        value = told.get(key, [])
        return tuple(str(item) for item in value) if isinstance(value, list) else ()

    sources = tuple(pages()[name] for name in texts("sources"))
    explanation = Explanation(
        str(told["code"]),
        str(told["says"]),
        texts("causes"),
        texts("run"),
        str(told["nimwrap"]),
        OWN_SOURCE if own else "; ".join(page.title for page in sources) or NO_PAGE,
        sources,
        texts("seen"),
    )
    phrases = tuple(re.compile(phrase, re.IGNORECASE) for phrase in texts("phrases"))
    return ExplainedMessage(
        explanation, _LEVELS.index(str(told.get("level", "cause"))), phrases, bool(told.get("family"))
    )


@cache
def pages() -> dict[str, PublicPage]:
    """The public pages by the names that entries give them."""
    return {name: PublicPage(**row) for name, row in _data("sources.toml").items()}


def _data(name: str) -> dict[str, Any]:
    return tomllib.loads(files("nimwrap.aix").joinpath("catalogue_data", name).read_text(encoding="utf-8"))


@cache
def entries() -> dict[str, ExplainedMessage]:
    """Every entry by its code; read once."""
    found: dict[str, ExplainedMessage] = {}
    for name in DATA_FILES:
        for row in _data(name)["entry"]:
            entry = _entry(row, own=name == "ours.toml")
            found[entry.explanation.code] = entry
    return found


def codes_in(text: str) -> list[str]:
    """The AIX message codes in ``text``, each once, in order."""
    return list(dict.fromkeys(_CODE.findall(text)))


def _of_code(code: str) -> ExplainedMessage | None:
    entry = entries().get(code)
    if entry:
        return entry
    family = entries().get(code[:4])
    return replace(family, explanation=replace(family.explanation, code=code)) if family else None


def _named(text: str) -> ExplainedMessage | None:
    """The entry that ``text`` names as a whole: one of our failure codes, an exit status, or a title."""
    word = text.lower().replace("-", "_")
    if word in set(FailureCode):
        return entries()[word]
    if status := _EXIT_STATUS.fullmatch(text):  # nim's exit status is the three digits of its message (aix-nim 6.1)
        return entries().get(f"0042-{int(status[1]):03d}")
    titles = {code.lower(): entry for code, entry in entries().items() if not entry.family}
    return titles.get(text.lower())


def _nearness(found: tuple[ExplainedMessage, int]) -> tuple[int, int]:
    """Causes first, in the order of the text; of wrappers the inner one, which stands later, first."""
    entry, place = found
    return entry.level, -place if _LEVELS[entry.level] == "wrapper" else place


def explain(text: str) -> list[Explanation]:
    """What is known about a code, a failure code, a phrase or a whole log, nearest the cause first.

    Empty when nothing in the text is known: there is no guessing.
    """
    text = _COLOUR.sub(" ", text).strip()
    named = _named(text)
    if named:
        return [named.explanation]
    found: list[tuple[ExplainedMessage, int]] = []
    codes = codes_in(text)
    for code in codes:
        if entry := _of_code(code):
            found.append((entry, text.index(code)))
    for code, entry in entries().items():
        places = [match.start() for phrase in entry.phrases if (match := phrase.search(text))]
        if places and code not in codes:
            found.append((entry, min(places)))
    return [entry.explanation for entry, _ in sorted(found, key=_nearness)]
