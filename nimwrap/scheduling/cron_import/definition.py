"""What a ``nim -o define -t mksysb`` command asks for (reference peers section 4 has the forms found in the field)."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from nimwrap.config.model import KINDS
from nimwrap.config.value_types import MksysbFlags
from nimwrap.domain.names import PLAIN_KIND, is_nim_name, is_safe_path
from nimwrap.scheduling.cron_import.crontab import UnclearError
from nimwrap.scheduling.cron_import.shell_words import Substitution, Variable, Word, plain

EVERY = "*"
_LISTED = "\0"
"""The name of every client that lsnim lists, until the line is read: no text of a crontab can be taken for it."""
_DATE = re.compile(r"(?:/usr/bin/)?date\s+(?:-u\s+)?['\"]?(\+\S.*)")
_YEAR = re.compile(r"%[yYgGDFscx]")
_HOST = re.compile(r"(?:/usr/bin/)?(?:hostname(\s+-s)?|uname\s+-n)")
_LISTING = re.compile(
    r"(?:/usr/sbin/)?lsnim\s+-t\s+standalone\s*\|\s*(?:/usr/bin/)?"
    r"(?:awk\s+'\{\s*print\s+\$1;?\s*\}'|cut\s+-d\s*(?:' '|\" \"|\\ )\s+-f\s*1)"
)
_MEANINGLESS = frozenset({"server", "mk_image", "verbose", "comments"})
_IDLE = re.compile(r"(?:-a\s*)?(?:verbose|comments)\s*=")
_TAKES_VALUE = "ota"
_OPERATION = re.compile(r"-[^-]*o")


class NoImageError(UnclearError):
    """A command that can be read and makes no image."""


@dataclass(frozen=True)
class Backup:
    """The backup of one client (or of ``*``, every one) as a line asks for it; None where the line does not say."""

    client: str
    name: str | None = None
    directory: str | None = None
    layout: str | None = None
    naming: str | None = None
    flags: str | None = None
    notes: tuple[str, ...] = ()

    def noting(self, notes: Iterable[str]) -> Backup:
        return replace(self, notes=tuple(dict.fromkeys([*self.notes, *notes])))


def rendered(word: Word) -> str:
    """The word as text: a date becomes ``{date}``, or ``{date +%a}`` when that comes again without a year.

    UnclearError for anything that only the shell can fill in.
    """
    return "".join(_part(part) for part in word)


def _part(part: str | Substitution | Variable) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Variable):
        raise UnclearError(f"${part.name} is set nowhere in this crontab, or not for certain")
    if date := _DATE.fullmatch(part.text):
        return "{date}" if _YEAR.search(date[1]) else f"{{date {date[1]}}}"
    if _HOST.fullmatch(part.text):
        return "{hostname}"
    if _LISTING.fullmatch(part.text):
        return _LISTED
    raise UnclearError(f"what $({part.text}) prints cannot be known here")


def read_definition(words: Sequence[Word]) -> Backup:
    """The backup that ``nim`` with these arguments makes.

    NoImageError when it makes none; UnclearError when it cannot be read, or asks for what nimwrap has no word for.
    """
    if not any((plain(word) or "").endswith("define") for word in words):
        if any(plain(word) is None and _OPERATION.fullmatch(plain(before) or "") for before, word in pairwise(words)):
            raise UnclearError("which operation of nim it runs cannot be known here")
        raise NoImageError("it defines no image")  # said before words are filled in: another operation need not be read
    options, operands = _options([rendered(_readable(word)) for word in words])
    operation = options.get("o", [""])[-1]
    if operation != "define":
        raise NoImageError("it defines no image")
    kind = options.get("t", [""])[-1]
    if kind in KINDS and kind != PLAIN_KIND:
        raise UnclearError(f"it makes a {kind}, not a mksysb; see kinds = [...] in the configuration")
    if kind != PLAIN_KIND:
        raise NoImageError(f"a resource of type {kind or '(none)'} is no image")
    if len(operands) != 1:
        raise UnclearError(f"nim wants one name at the end, not {len(operands)}: {' '.join(operands) or 'none'}")
    attributes = _attributes(options.get("a", []))
    backup = _backup(attributes, operands[0])
    return backup.noting(_notes(attributes, "F" in options, backup))


def _readable(word: Word) -> Word:
    """The word, without the value of an attribute that has no meaning here: that need not be readable."""
    idle = _IDLE.match(word[0]) if word and isinstance(word[0], str) else None
    return (idle[0],) if idle else word


def _options(arguments: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """getopt as nim does it: ``-Fo define``, ``-aserver=master`` and operands only after the options."""
    options: dict[str, list[str]] = {}
    at = 0
    while at < len(arguments) and arguments[at].startswith("-") and arguments[at] != "--":
        letters = arguments[at][1:]
        at += 1
        while letters:
            letter, letters = letters[0], letters[1:]
            if letter not in _TAKES_VALUE:
                options.setdefault(letter, [])
                continue
            if not letters and at >= len(arguments):
                raise UnclearError(f"nim -{letter} has no value")
            options.setdefault(letter, []).append(letters or arguments[at])
            at += 0 if letters else 1
            letters = ""
    unknown = sorted(set(options) - set(_TAKES_VALUE) - {"F"})
    if unknown:
        raise UnclearError(f"nim option -{unknown[0]} is not known here")
    return options, arguments[at:]


def _attributes(pairs: list[str]) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or key in attributes:
            raise UnclearError(f"-a {pair} is {'given twice' if equals else 'no attribute=value'}")
        attributes[key] = value.strip()
    return attributes


def _backup(attributes: dict[str, str], name: str) -> Backup:
    client = attributes.get("source", "")
    if attributes.get("mk_image") != "yes" or not client:
        raise NoImageError("without mk_image=yes and source=CLIENT it only records a file that exists")
    if attributes.get("size_preview") == "yes":
        raise NoImageError("size_preview=yes only estimates, it makes no image")
    if attributes.get("server", "master") != "master":
        raise UnclearError(f"server={attributes['server']}: nimwrap keeps images on the master itself")
    strange = sorted(set(attributes) - _MEANINGLESS - {"source", "location", "mksysb_flags", "size_preview"})
    if strange:
        raise UnclearError(f"{strange[0]}={attributes[strange[0]]} has no counterpart in nimwrap")
    if client != _LISTED and not is_nim_name(client):
        raise UnclearError(f"source={client} is no client's name")
    directory, layout = place(attributes.get("location", ""), client)
    flags = mksysb_flags(attributes.get("mksysb_flags", ""))
    listed = EVERY if client == _LISTED else client
    return Backup(listed, template(name, client), directory, layout, naming(name), flags)


def place(location: str, client: str) -> tuple[str, str]:
    """Directory and layout of an image file at ``location``."""
    parent = posixpath.dirname(location)
    shown = location.replace(_LISTED, EVERY)
    if not is_safe_path(parent.replace(_LISTED, "x")) or "{" in parent:
        raise UnclearError(f"location={shown or '(none)'} has no fixed directory above it")
    directory, layout = parent, "flat"
    if posixpath.basename(parent) == client:
        directory, layout = posixpath.dirname(parent), "per-client"
    if _LISTED in directory:
        raise UnclearError(f"location={shown} has the client's name in the middle")
    if directory == "/":
        raise UnclearError(f"location={shown}: nimwrap keeps no images in the root directory")
    return directory, layout


def template(name: str, client: str) -> str:
    """``name`` with the client's own name replaced by ``{client}``."""
    return re.sub(rf"(?<![A-Za-z0-9]){re.escape(client)}(?![A-Za-z])", "{client}", name)


def naming(name: str) -> str:
    """``dated`` when the name carries a date, else ``fixed``."""
    return "dated" if "{date" in name else "fixed"


def mksysb_flags(text: str) -> str:
    """``"X e"``, ``-i -e`` and ``ei`` as the letters alone; UnclearError for letters the configuration refuses."""
    letters = text.replace("-", "").replace(" ", "")
    faults: list[str] = []
    MksysbFlags().read(letters, lambda message, hint="", at=(): faults.append(message))
    if faults:
        raise UnclearError(f"mksysb_flags={text}: {faults[0]}")
    return letters


def _notes(attributes: dict[str, str], force: bool, backup: Backup) -> Iterable[str]:
    if force:
        yield "-F is not carried over: nimwrap counts the space itself and forces nothing before that"
    if "comments" in attributes:
        yield "comments= is not carried over"
    if not backup.flags:
        yield "the line passes no mksysb_flags; nimwrap's own default would be ei"
    if backup.client == EVERY:
        yield "the line covers what lsnim -t standalone lists; * covers every client that nimwrap finds there"
    stem = template(posixpath.basename(attributes["location"]).partition(".")[0], attributes["source"])
    yield from name_notes(backup, stem)


def name_notes(backup: Backup, stem: str) -> Iterable[str]:
    """What changes in how images, and their files (``stem`` until now), are called, when something does."""
    if backup.naming == "dated" and backup.name != "{client}_{date}":
        yield f"images are called {{client}}_YYYYMMDD_HHMMSS from now on, not {backup.name}"
    if backup.naming == "fixed" and backup.name != "{client}_mksysb":
        yield f"the image is called {{client}}_mksysb from now on, not {backup.name}; see `images import`"
    if stem != backup.name:
        yield f"the file is called like its resource from now on, not {stem}"
