"""Where each key of a TOML text stands: tomllib gives values without lines, and a fault needs its line."""

from __future__ import annotations

import re
import tomllib

KeyPath = tuple[str | int, ...]

_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}'  # a multi-line string may end in one or two quotes of its own
    r"|'''.*?'{3,5}"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_PLAIN = re.compile(r"[^,\]}#\n]+")


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every key, table and array item of a valid TOML text, by its path."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    """One pass over a text that tomllib has accepted; it need not judge, only find."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._counted = (0, 1)

    def document(self) -> None:
        table: KeyPath = ()
        arrays: dict[KeyPath, int] = {}
        while self._gap():
            if self.text[self.at] != "[":
                self._pair(table)
                continue
            doubled = self.text.startswith("[[", self.at)
            start, self.at = self.at, self.at + 1 + doubled
            table = self._key()
            if doubled:
                arrays[table] = arrays.get(table, -1) + 1
                table = (*table, arrays[table])
            self._note(table, start)
            self._gap()
            self.at += 1 + doubled

    def _pair(self, table: KeyPath) -> None:
        start = self.at
        path = (*table, *self._key())
        self._note(path, start)
        self.at = self.text.index("=", self.at) + 1
        self._value(path)

    def _key(self) -> KeyPath:
        """A bare, quoted or dotted key; ends before what follows it."""
        parts: list[str] = []
        while True:
            self._gap()
            quoted = _STRING.match(self.text, self.at)
            match = quoted or _BARE.match(self.text, self.at)
            assert match is not None  # noqa: S101  tomllib has read the same text
            self.at = match.end()
            parts.append(tomllib.loads(f"k={match[0]}")["k"] if quoted else match[0])
            rest = re.compile(r"[ \t]*\.").match(self.text, self.at)
            if rest is None:
                return tuple(parts)
            self.at = rest.end()

    def _value(self, path: KeyPath) -> None:
        self._gap()
        opening = self.text[self.at]
        if opening not in "[{":
            match = _STRING.match(self.text, self.at) or _PLAIN.match(self.text, self.at)
            assert match is not None  # noqa: S101  tomllib has read the same text
            self.at = match.end()
            return
        self.at += 1
        item = 0
        while self._gap() and self.text[self.at] not in "]}":
            if opening == "{":
                self._pair(path)
            else:
                self._note((*path, item), self.at)
                self._value((*path, item))
                item += 1
            self._gap()
            self.at += self.text[self.at] == ","
        self.at += 1

    def _gap(self) -> bool:
        """Pass blanks, line ends and comments; False at the end of the text."""
        match = _GAP.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return self.at < len(self.text)

    def _note(self, path: KeyPath, start: int) -> None:
        offset, line = self._counted
        line += self.text.count("\n", offset, start)
        self._counted = (start, line)
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], line)
