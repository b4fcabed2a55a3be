"""What a value may be: each kind reads a TOML value, says what is wrong with it, and knows its JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from nimwrap.config.secret import Secret, is_credential_name
from nimwrap.domain.did_you_mean import did_you_mean
from nimwrap.domain.durations import parse_duration


class Report(Protocol):
    """Takes one fault; ``at`` leads to the item inside the value."""

    def __call__(self, message: str, hint: str = "", at: tuple[str | int, ...] = ()) -> None: ...


class ValueType(Protocol):
    """``read`` returns the value as the records hold it, or reports every fault and returns anything."""

    def read(self, value: object, report: Report) -> Any: ...

    def schema(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Text:
    """A string for which ``accepts`` is true; ``what`` completes "must be ..."."""

    what: str = "text"
    accepts: Callable[[str], bool] = lambda text: "\n" not in text and "\0" not in text
    empty: bool = True

    def read(self, value: object, report: Report) -> str:
        if not isinstance(value, str):
            report(f"must be {self.what}, in quotes, not {named(value)}")
        elif not (self.accepts(value) if value else self.empty):
            report(f"{shown(value)} is not {self.what}")
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string"} if self.empty else {"type": "string", "minLength": 1}


@dataclass(frozen=True)
class Choice:
    choices: tuple[str, ...]

    def read(self, value: object, report: Report) -> str:
        listed = " or ".join(shown(choice) for choice in self.choices)
        if not isinstance(value, str):
            report(f"must be {listed}, not {named(value)}")
        elif value not in self.choices:
            report(f"{shown(value)} is not one of {listed}", nearest(value, self.choices))
        return str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}


@dataclass(frozen=True)
class Count:
    low: int
    high: int = 1_000_000

    def read(self, value: object, report: Report) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            report(f"must be a whole number, not {named(value)}")
            return self.low
        if not self.low <= value <= self.high:
            above = self.high == Count.high
            report(f"{value} is out of range: " + (f"{self.low} or more" if above else f"{self.low} to {self.high}"))
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class CountOr:
    """A whole number, or a word that stands for one that is found out."""

    count: Count
    word: str

    def read(self, value: object, report: Report) -> int | str:
        if value == self.word:
            return self.word
        if isinstance(value, str):
            report(f"{shown(value)} is neither a whole number, without quotes, nor {shown(self.word)}")
            return self.count.low
        return self.count.read(value, report)

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [self.count.schema(), {"const": self.word}]}


@dataclass(frozen=True)
class Readable:
    """A string that ``reader`` takes; its ValueError is the fault. ``what`` completes "must be ..."."""

    what: str
    reader: Callable[[str], object]

    def read(self, value: object, report: Report) -> str:
        if not isinstance(value, str):
            report(f"must be {self.what}, not {named(value)}")
            return ""
        try:
            self.reader(value)
        except ValueError as error:
            report(str(error))
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True)
class YesNo:
    def read(self, value: object, report: Report) -> bool:
        if not isinstance(value, bool):
            report(f"must be true or false, without quotes, not {named(value)}")
        return bool(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Duration:
    """Seconds, written as ``90s 30m 6h 8d``."""

    zero: bool = False

    def read(self, value: object, report: Report) -> int:
        if not isinstance(value, str):
            unit = f'; write "{value}s", "{value}m", "{value}h" or "{value}d"' if type(value) is int else ""
            report(f"must be a duration in quotes, not {named(value)}{unit}")
            return 0
        try:
            seconds = parse_duration(value)
        except ValueError:
            report(f"{shown(value)} is not a duration", "write a whole number and one of s, m, h, d, such as 30m")
            return 0
        if not seconds and not self.zero:
            report("must be longer than nothing")
        if seconds > 100 * 366 * 86400:
            report(f"{shown(value)} is longer than a hundred years")
        return seconds

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9]+[smhd]$"}


@dataclass(frozen=True)
class Several:
    """An array of one kind without repeats."""

    item: ValueType
    empty: bool = True

    def read(self, value: object, report: Report) -> tuple[Any, ...]:
        if not isinstance(value, list):
            report(f'must be an array such as ["..."], not {named(value)}')
            return ()
        if not value and not self.empty:
            report("must name at least one")
        for index, item in enumerate(value):
            if item in value[:index]:
                report(f"{shown(str(item))} stands here twice", at=(index,))
        return tuple(self.item.read(item, _inside(report, index)) for index, item in enumerate(value))

    def schema(self) -> dict[str, Any]:
        schema = {"type": "array", "items": self.item.schema(), "uniqueItems": True}
        return schema if self.empty else schema | {"minItems": 1}


@dataclass(frozen=True)
class Words:
    """A command as an array of words: no shell reads it. ``{NAME}`` stands for what is known under that name."""

    placeholders: tuple[str, ...]
    hole = re.compile(r"\{([a-z_]*)\}")

    def read(self, value: object, report: Report) -> tuple[str, ...]:
        if not isinstance(value, list):
            report(f'must be an array of words such as ["program", "-x"], not {named(value)}')
            return ()
        for index, word in enumerate(value):
            if not isinstance(word, str):
                report(f"must be text in quotes, not {named(word)}", at=(index,))
            elif "\n" in word or "\0" in word:
                report("must not contain a line end", at=(index,))
            else:
                for hole in self.hole.findall(word):
                    if hole not in self.placeholders:
                        known = ", ".join(f"{{{each}}}" for each in self.placeholders)
                        report(f"{shown('{' + hole + '}')} stands for nothing", f"known: {known}", at=(index,))
        if value and isinstance(value[0], str) and not value[0].startswith("/"):
            report(f"{shown(value[0])} is not a program in full", "write its whole path, beginning with /", at=(0,))
        return tuple(str(word) for word in value)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": {"type": "string"}}


@dataclass(frozen=True)
class MksysbFlags:
    """Flag letters of mksysb that take no argument (aix-nim section 2.2); blanks between them do no harm."""

    allowed: str = "aACeGimMNpTvVXZ"
    with_argument: str = "bFPtx"

    def read(self, value: object, report: Report) -> str:
        if not isinstance(value, str):
            report(f'must be flag letters in quotes such as "ei", not {named(value)}')
            return ""
        letters = value.replace(" ", "")
        for letter in dict.fromkeys(letters):
            if letter == "-":
                report("must be letters alone, without the dash")
            elif letter in self.with_argument:
                report(f"the mksysb flag {letter} takes an argument, which NIM's mksysb_flags cannot carry")
            elif letter not in self.allowed:
                report(f"{shown(letter)} is not a flag of mksysb", f"the letters are {' '.join(self.allowed)}")
        if "G" in letters and "N" in letters:
            report("the mksysb flags G and N exclude each other")
        return letters

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^[{self.allowed} ]*$"}


@dataclass(frozen=True)
class LocalPath:
    """A path on this machine: absolute or from ``~``; ``relative`` ones are taken from the file's directory."""

    relative: bool = False
    credential: bool = False

    def read(self, value: object, report: Report) -> str:
        if not isinstance(value, str):
            report(f"must be a path in quotes, not {named(value)}")
            return ""
        kind, _, name = value.partition(":")
        if self.credential and kind == "credential":
            if not is_credential_name(name):
                report(f"{shown(name)} is not the name of a credential")
            return value
        if "\n" in value or "\0" in value:
            report(f"{shown(value)} is not a path")
        elif value and not self.relative and not value.startswith(("/", "~/")):
            report(f"{shown(value)} is a relative path", "write it in full, beginning with /")
        return str(Path(value).expanduser()) if value.startswith("~/") else value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True)
class SecretUrl:
    """A URL that may hold a token: literal, ``file:PATH`` or ``credential:NAME``."""

    def read(self, value: object, report: Report) -> Secret:
        if not isinstance(value, str):
            report(f"must be a URL in quotes, not {named(value)}")
            return Secret()
        kind, _, rest = value.partition(":")
        if kind == "file" and not rest.startswith(("/", "~/")):
            report("file: must be followed by a path in full", "such as file:/etc/nimwrap/mail-url")
        elif kind == "credential" and not is_credential_name(rest):
            report(f"{shown(rest)} is not the name of a credential")
        elif value and kind not in ("file", "credential") and "://" not in value:
            report("is neither a URL nor file:PATH nor credential:NAME")
        return Secret(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


@dataclass(frozen=True)
class Environment:
    """Variables for ``nim``; the ones that would change what we read or run are ours to set."""

    _name = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
    _ours = re.compile(r"LC_.*|LANG|PATH|ENV|IFS|SHELL|LIBPATH|LD_.*|LDR_.*|ODMDIR")

    def read(self, value: object, report: Report) -> dict[str, str]:
        if not isinstance(value, dict):
            report(f'must be a table such as {{ NAME = "value" }}, not {named(value)}')
            return {}
        for name, text in value.items():
            if not self._name.fullmatch(name):
                report(f"{shown(name)} is not the name of a variable", at=(name,))
            elif self._ours.fullmatch(name):
                report(f"{name} is set by nimwrap itself and cannot be changed", at=(name,))
            if not isinstance(text, str):
                report(f"must be text in quotes, not {named(text)}", at=(name,))
            elif "\n" in text or "\0" in text:
                report("must not contain a line end", at=(name,))
        return {str(name): str(text) for name, text in value.items()}

    def schema(self) -> dict[str, Any]:
        return {"type": "object", "additionalProperties": {"type": "string"}}


def named(value: object) -> str:
    """A TOML value's type as people call it, with the value where it is short."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {shown(value)}"
    if isinstance(value, (list, dict)):
        return "an array" if isinstance(value, list) else "a table"
    return "a date or time"


def shown(text: str) -> str:
    """A quoted text, cut where it is long."""
    return f'"{text}"' if len(text) <= 60 else f'"{text[:57]}..." ({len(text)} characters)'


def nearest(word: str, known: tuple[str, ...]) -> str:
    """``did you mean ...?``, or "" when nothing is near."""
    return did_you_mean(word, known, '"{}"')


def _inside(report: Report, index: int) -> Report:
    def inner(message: str, hint: str = "", at: tuple[str | int, ...] = ()) -> None:
        report(message, hint, (index, *at))

    return inner
