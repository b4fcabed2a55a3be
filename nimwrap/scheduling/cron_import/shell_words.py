"""Enough shell to read one cron command: quoting, chains, assignments, and loops over words that stand there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nimwrap.scheduling.cron_import.crontab import UnclearError

_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_NAME = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*|[0-9@*#?$!-])")
_OPERATOR = re.compile(r"&&|\|\||;;|\||;|\(|\)|\n|&(?!>)")
_REDIRECTION = re.compile(r"(?:\d|&)?(?:<<-?|>>|>\||<>|>&|<&|>|<)")
_MOST_TURNS, _DEEPEST = 2000, 5
_UNREAD = frozenset({"if", "while", "until", "case", "select", "function", "{", "[[", "eval", "alias"})
_SETS_VARIABLES = frozenset({".", "source", "read", "unset", "typeset", "declare", "readonly", "let", "getopts"})
"""After these nobody who has not run them knows what any variable holds."""


@dataclass(frozen=True)
class Substitution:
    """``$(text)`` or the same in backquotes."""

    text: str


@dataclass(frozen=True)
class Variable:
    name: str


Part = str | Substitution | Variable
Word = tuple[Part, ...]


@dataclass(frozen=True)
class ShellStep:
    """One simple command, its variables put in; without ``words`` it only sets the variables of ``environment``.

    ``guards``: the commands that it is joined to by ``&&`` and ``||``, whose ends decide whether it runs.
    """

    words: tuple[Word, ...]
    environment: Mapping[str, Word] = field(default_factory=dict)
    guards: tuple[tuple[Word, ...], ...] = ()


@dataclass(frozen=True)
class _Operator:
    text: str


_Token = Word | _Operator


def steps(command: str, variables: Mapping[str, str]) -> list[ShellStep]:
    """The simple commands of ``command`` in order, loops unrolled; :class:`UnclearError` for what this cannot read."""
    return _Chain(list(_tokens(command)), {name: (value,) for name, value in variables.items()}).read()


def plain(word: Word) -> str | None:
    """The word as text when nothing in it is left for the shell to fill in."""
    return "".join(part for part in word if isinstance(part, str)) if all(isinstance(p, str) for p in word) else None


class _Chain:
    """Walks over the tokens of one command line; variables set on the way hold for what comes after."""

    def __init__(self, tokens: list[_Token], variables: dict[str, Word]) -> None:
        self._tokens = tokens
        self._at = self._turns = self._depth = 0
        self._variables = variables
        self._guards: tuple[tuple[Word, ...], ...] = ()

    def read(self, until: str | None = None) -> list[ShellStep]:
        found: list[ShellStep] = []
        outer = self._guards
        operator = ";"
        while self._at < len(self._tokens):
            words = self._words()
            first = plain(words[0]) if words else None
            if first == until and until is not None:
                self._guards = outer
                return found
            made = self._command(words, first, operator)
            found += made
            operator = self._operator()
            if operator in ("&&", "||"):
                self._guards = (*self._guards, made[-1].words if made else ())
            elif operator != "|":
                self._guards = outer
        if until is not None:
            raise UnclearError(f"the loop has no `{until}`")
        return found

    def _command(self, words: list[Word], first: str | None, operator: str) -> list[ShellStep]:
        if not words:
            return []
        if first in _UNREAD:
            raise UnclearError(f"`{first}` is not read here")
        if first == "for":
            return self._loop(words)
        environment: dict[str, Word] = {}
        while words and isinstance(words[0][0], str) and (name := _ASSIGNMENT.match(words[0][0])):
            value = (words[0][0][name.end() :], *words[0][1:])
            environment[name[1]] = self._filled(value)
            words = words[1:]
        if words and plain(words[0]) == "export":
            settings = [text.partition("=") for text in map(plain, words[1:]) if text is not None]
            environment |= {name: (value,) for name, equals, value in settings if equals}
            words = []
        if first in _SETS_VARIABLES:
            self._variables.clear()
        if not words:
            self._set(environment, operator)
        filled = tuple(piece for word in words for piece in self._split(word))
        return [ShellStep(filled, environment, self._guards)]

    def _set(self, environment: Mapping[str, Word], operator: str) -> None:
        """Assignments hold for what comes after, unless they may not happen, or happen in a shell of their own."""
        following = self._tokens[self._at] if self._at < len(self._tokens) else None
        for name, value in environment.items():
            if self._guards or operator == "|" or following in (_Operator("|"), _Operator("&")):
                self._variables.pop(name, None)
            else:
                self._variables[name] = value

    def _loop(self, words: list[Word]) -> list[ShellStep]:
        """``for NAME in WORDS; do ...; done``: its steps once for each word."""
        name = plain(words[1]) if len(words) > 1 else None
        if name is None or len(words) < 4 or plain(words[2]) != "in":
            raise UnclearError("a `for` loop without a list of words")
        self._operator()
        start = self._at
        found: list[ShellStep] = []
        for value in [piece for word in words[3:] for piece in self._split(word)]:
            self._at = start
            self._variables[name] = value
            self._strip_do()
            self._turns += 1
            self._depth += 1
            if self._turns > _MOST_TURNS or self._depth > _DEEPEST:
                raise UnclearError("its loops are longer or deeper than is read here")
            found += self.read(until="done")
            self._depth -= 1
        return found

    def _strip_do(self) -> None:
        token = self._tokens[self._at] if self._at < len(self._tokens) else None
        if not isinstance(token, tuple) or plain(token) != "do":
            raise UnclearError("the loop has no `do`")
        self._at += 1

    def _words(self) -> list[Word]:
        words: list[Word] = []
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if isinstance(token, _Operator):
                break
            words.append(token)
            self._at += 1
        return words

    def _operator(self) -> str:
        if self._at >= len(self._tokens):
            return ";"
        token = self._tokens[self._at]
        text = token.text if isinstance(token, _Operator) else ";"
        if text in ("(", ")", ";;"):
            raise UnclearError(f"`{text}` is not read here")
        self._at += 1
        return text

    def _split(self, word: Word) -> list[Word]:
        """What the shell makes of one word: an unquoted variable falls apart at its blanks."""
        filled = self._filled(word)
        text = plain(filled)
        bare = len(word) == 1 and isinstance(word[0], Variable)
        return [(piece,) for piece in text.split()] if bare and text is not None else [filled]

    def _filled(self, word: Word) -> Word:
        parts: list[Part] = []
        for part in word:
            value = self._variables.get(part.name) if isinstance(part, Variable) else None
            parts.extend(value if value is not None else (part,))
        return _joined(parts)


def _joined(parts: list[Part]) -> Word:
    """Neighbouring pieces of text as one."""
    merged: list[Part] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        else:
            merged.append(part)
    return tuple(merged) or ("",)


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while at < len(text):
        if text[at] in " \t":
            at += 1
        elif text[at] == "#":
            return
        elif redirection := _REDIRECTION.match(text, at):
            at = _skip_redirection(text, redirection)
        elif operator := _OPERATOR.match(text, at):
            yield _Operator(";" if operator[0] == "\n" else operator[0])
            at = operator.end()
        else:
            word, at = _word(text, at)
            yield word


def _skip_redirection(text: str, redirection: re.Match[str]) -> int:
    """Past a redirection and where it goes to; a here-document would hide input from us."""
    if "<<" in redirection[0]:
        raise UnclearError("a here-document is not read here")
    at = redirection.end()
    while at < len(text) and text[at] in " \t":
        at += 1
    return _word(text, at)[1]


def _word(text: str, at: int) -> tuple[Word, int]:
    parts: list[Part] = []
    while at < len(text) and text[at] not in " \t\n;&|<>()":
        character = text[at]
        if character == "'":
            end = _end(text, "'", at + 1)
            parts.append(text[at + 1 : end])
            at = end + 1
        elif character == '"':
            inner, at = _double_quoted(text, at + 1)
            parts.extend(inner)
        elif character == "\\":
            parts.append(text[at + 1 : at + 2])
            at += 2
        else:
            part, at = _part(text, at)
            parts.append(part)
    return _joined(parts), at


def _double_quoted(text: str, at: int) -> tuple[list[Part], int]:
    parts: list[Part] = [""]
    while at < len(text) and text[at] != '"':
        if text[at] == "\\" and text[at + 1 : at + 2] in ('"', "\\", "$", "`"):
            parts.append(text[at + 1])
            at += 2
        else:
            part, at = _part(text, at)
            parts.append(part)
    if at >= len(text):
        raise UnclearError("a quote is not closed")
    return parts, at + 1


def _part(text: str, at: int) -> tuple[Part, int]:
    """One character, variable or command substitution that begins at ``at``."""
    if text.startswith("$((", at):
        raise UnclearError("arithmetic is not read here")
    if text.startswith("$(", at):
        end = _closing(text, at + 2)
        return Substitution(text[at + 2 : end].strip()), end + 1
    if text[at] == "`":
        end = _end(text, "`", at + 1)
        return Substitution(text[at + 1 : end].strip()), end + 1
    if text[at] == "$" and (name := _NAME.match(text, at + 1)):
        return Variable(name[1] or name[2]), name.end()
    if text.startswith("${", at):
        raise UnclearError(f"`{text[at : at + 12]}` is not read here")
    return text[at], at + 1


def _closing(text: str, at: int) -> int:
    depth = 1
    for index in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[index], 0)
        if depth == 0:
            return index
    raise UnclearError("`$(` is not closed")


def _end(text: str, mark: str, at: int) -> int:
    end = text.find(mark, at)
    if end < 0:
        raise UnclearError("a quote is not closed")
    return end
