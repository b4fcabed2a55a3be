"""What one cron command backs up: the nim commands, wrapper scripts and playbooks that it runs, one after another."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from nimwrap.domain.names import is_nim_name
from nimwrap.scheduling.cron_import.crontab import UnclearError
from nimwrap.scheduling.cron_import.definition import EVERY, Backup, NoImageError, mksysb_flags, read_definition
from nimwrap.scheduling.cron_import.shell_words import ShellStep, Substitution, Variable, Word, plain, steps
from nimwrap.scheduling.cron_import.vocabulary import (
    BARE,
    ELSEWHERE,
    HARMLESS,
    LEAVE,
    NO_CLIENTS,
    OTHER_DEED,
    SCRIPT,
    SHELLS,
    TESTS,
    TRIVIAL,
    mentions_backup,
)

_INSIDE = "its flags, directory and names stand inside the script, so nimwrap's own hold until you set them"
_DEEPEST = 5
_SSH_TAKES_VALUE = "bcDEeFIiJLlmOopQRSWw"


@dataclass
class Reading:
    """What a command has turned out to do so far. ``client``: whose crontab this is, when the user said so; ``known``:
    the names that an inventory or the user gives as those of clients."""

    client: str | None = None
    known: Collection[str] = ()
    backups: list[Backup] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    asides: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    """Why commands that have to do with images make none."""
    left: str = ""
    """The command after which it is not known whether the rest is run."""
    host: str = ""
    """The machine that ssh takes the commands to."""
    depth: int = 0
    """How many shells within shells this is inside."""

    def itself(self) -> str:
        """The client that makes an image of itself; UnclearError when nobody said who that is."""
        if self.host:
            raise UnclearError(f"it makes an image of the machine that ssh calls {self.host}; see `lsnim` for its name")
        if self.client is None:
            raise UnclearError("it makes an image of the machine whose crontab this is; say which with --client NAME")
        return self.client


def read_command(
    command: str, variables: Mapping[str, str], client: str | None = None, known: Collection[str] = ()
) -> list[Backup]:
    """The backups that ``command`` makes, each with its notes.

    UnclearError when it makes none, or when anything in it may make one and cannot be read: a line that is called
    understood is going to be commented out.
    """
    reading = Reading(client, known)
    _chain(reading, command, variables)
    if not reading.backups:
        commands = "none of its commands is known to make an image"
        shown = f": {'; '.join(reading.asides[:3])}" if reading.asides else ""
        raise UnclearError(reading.reasons[0] if reading.reasons else commands + shown)
    notes = [*reading.notes, *(f"not carried over: {aside}" for aside in reading.asides)]
    return [backup.noting(notes) for backup in reading.backups]


def _chain(reading: Reading, command: str, variables: Mapping[str, str]) -> None:
    reading.depth += 1
    if reading.depth > _DEEPEST:
        raise UnclearError("shells within shells within shells are not read here")
    left = reading.left
    for step in steps(command, variables):
        for word in (*step.words, *step.environment.values()):
            _inside(reading, word, variables)
        _step(reading, step, list(step.words), variables)
    reading.left = left  # an inner shell leaves itself only
    reading.depth -= 1


def _inside(reading: Reading, word: Word, variables: Mapping[str, str]) -> None:
    """UnclearError when a command whose output is a part of ``word`` makes an image, or may."""
    for part in word:
        if isinstance(part, Substitution) and mentions_backup(part.text):
            inner = Reading(reading.client, reading.known, host=reading.host, depth=reading.depth)
            _chain(inner, part.text, variables)
            if inner.backups:
                raise UnclearError(f"an image is made inside $({part.text})")


def _step(reading: Reading, step: ShellStep, words: list[Word], variables: Mapping[str, str]) -> None:
    """One simple command, without the words that only say how it is run."""
    for name, value in step.environment.items():
        if name.startswith("NIM_"):
            reading.notes.append(f'env = {{ {name} = "{plain(value) or "?"}" }} belongs under [masters.NAME]')
    while words and (inner := _unwrapped(words)) is not None:
        words = inner
    if not words:
        return
    name = posixpath.basename(plain(words[0]) or "")
    if name in SHELLS and plain(words[1] if len(words) > 1 else ()) == "-c":
        _chain(reading, _text(words[2:3]), variables)
    elif name in SHELLS and len(words) > 1 and not (plain(words[1]) or "-").startswith("-"):
        _step(reading, step, words[1:], variables)
    elif name in SHELLS or name in ("at", "batch"):
        raise UnclearError(f"what {_shown(words)} is fed with is not read here")
    elif name == "su":
        _chain(reading, _su_command(words), variables)
    elif name == "ssh":
        _ssh(reading, words)
    else:
        _command(reading, step, name, words)


def _ssh(reading: Reading, words: Sequence[Word]) -> None:
    """What ssh runs elsewhere; a crontab's variables stay behind."""
    host, command = _ssh_command(words)
    reading.notes.append(f"it runs over ssh on {host}; [masters.NAME] host = ... says how nimwrap gets there")
    before, reading.host = reading.host, host
    _chain(reading, command, {})
    reading.host = before


def _command(reading: Reading, step: ShellStep, name: str, words: Sequence[Word]) -> None:
    if name in LEAVE:
        reading.left = name
        return
    reader = _READERS.get(name) or (_script if SCRIPT.fullmatch(name.partition(".")[0]) else None)
    if name in HARMLESS or name in ELSEWHERE:
        reader = None
    if reader is None and mentions_backup(_what_acts(name, words)):
        raise UnclearError(f"{_shown(words)}: {ELSEWHERE.get(name, 'what it does is not known here')}")
    if reader is None:
        if name not in TRIVIAL:
            reading.asides.append(_shown(words))
        return
    try:
        found = reader(words, reading)
    except NoImageError as aside:
        reading.asides.append(_shown(words))
        reading.reasons.append(f"{_shown(words)}: {aside}")
        return
    if reading.left:
        raise UnclearError(f"`{reading.left}` in front of it may keep it from being run")
    reading.backups += found
    reading.notes += _conditions(step)


def _what_acts(name: str, words: Sequence[Word]) -> str:
    """The part of an unread command that could make an image; empty for one that never does."""
    text = _joined(words)
    if name == "find":
        return text.partition("-exec ")[2]
    if name == "awk":
        return text if "system(" in text else ""
    return "" if name in HARMLESS - {".", "source"} else text


def _conditions(step: ShellStep) -> Iterator[str]:
    """What is lost of a step's conditions; UnclearError for one whose answer only the shell can work out."""
    for guard in step.guards:
        name = posixpath.basename(plain(guard[0]) or "") if guard else ""
        if not guard or name in TRIVIAL:
            continue
        if any(plain(word) is None for word in guard) and (name in TESTS or name not in HARMLESS | {"nim"}):
            raise UnclearError(f"{_shown(guard)} decides when it runs, and cannot be read here")
        yield f"the condition in front of it is not carried over: {_shown(guard)}"


def _nim(words: Sequence[Word], _reading: Reading) -> list[Backup]:
    return [read_definition(words[1:])]


def _mksysb(words: Sequence[Word], reading: Reading) -> list[Backup]:
    """mksysb run by the client itself, to a file that is mostly on NFS."""
    client = reading.itself()
    letters = ""
    for word in words[1:]:
        text = plain(word)
        if text is not None and text.startswith("-"):
            letters += text[1:]
    flags = mksysb_flags(letters)
    note = "nimwrap makes the image from the NIM master, in its own directory there; the file named here is not used"
    return [Backup(client, flags=flags, notes=(note,))]


def _own_script(_words: Sequence[Word], reading: Reading) -> list[Backup]:
    """A script that the client runs on itself."""
    return [Backup(reading.itself(), notes=(_INSIDE,))]


def _get_mksysb(words: Sequence[Word], reading: Reading) -> list[Backup]:
    """The public script of this name: one client, or without one every standalone client."""
    if len(words) > 1:
        return _script(words, reading)
    every = "the public script of this name goes over what lsnim -t standalone lists: see that yours does the same"
    return [Backup(EVERY, notes=(every, _INSIDE))]


def _script(words: Sequence[Word], reading: Reading) -> list[Backup]:
    """A wrapper whose arguments are the names of clients and nothing else."""
    script = posixpath.basename(plain(words[0]) or "").partition(".")[0]
    names = [plain(word) for word in words[1:]]
    if OTHER_DEED.search(script):
        raise UnclearError(f"{_shown(words)}: by its name it may do something else than make an image")
    if not names:
        raise UnclearError("its clients, flags and directory stand inside the script")
    backups = []
    for name in names:
        if name is None or not is_nim_name(name) or name.isdigit() or name.lower() in NO_CLIENTS:
            raise UnclearError(f"{_shown(words[1:])} may be clients or not; the script would have to be read")
        if name not in reading.known:
            raise UnclearError(
                f"{name} may be a client, or a server, a device, a directory: the script was not read, "
                f"and no inventory knows it; if it is a client, say --client {name}"
            )
        backups.append(Backup(name, notes=(f"{name} is taken to be a client: the script was not read", _INSIDE)))
    return backups


def _ansible(words: Sequence[Word], _reading: Reading) -> list[Backup]:
    """``ansible HOST -m ibm.power_aix.nim_backup -a "action=create ..."`` (reference peers section 1)."""
    texts = [_text([word]) for word in words]
    module = _after(texts, "-m", "--module-name")
    if not module.endswith("nim_backup"):
        raise UnclearError(f"the ansible module {module or '(none)'} is not read here")
    pairs = dict(pair.partition("=")[::2] for pair in shlex.split(_after(texts, "-a", "--args")))
    if pairs.get("action") != "create" or pairs.get("type", "mksysb") != "mksysb":
        raise NoImageError(f"nim_backup with action={pairs.get('action')} type={pairs.get('type', 'mksysb')}")
    if not pairs.get("targets"):
        raise UnclearError("nim_backup without targets")
    flags = mksysb_flags(pairs["flags"]) if "flags" in pairs else None
    lost = sorted(set(pairs) - {"action", "type", "targets", "flags"})
    notes = [f"{key}={pairs[key]} is not carried over" for key in lost]
    return [Backup(_ansible_target(target), flags=flags, notes=tuple(notes)) for target in pairs["targets"].split(",")]


def _ansible_target(target: str) -> str:
    if target in ("ALL", "all", "*", "standalone"):
        return EVERY
    if target == "vios" or not re.fullmatch(r"[A-Za-z0-9_!-]+\*?", target):
        raise UnclearError(f"the target {target} is not read here")
    return target


_READERS: dict[str, Callable[[Sequence[Word], Reading], list[Backup]]] = {
    "nim": _nim,
    "mksysb": _mksysb,
    "run_aix_system_backup.sh": _own_script,
    "run_aix_system_backup": _own_script,
    "get_mksysb": _get_mksysb,
    "ansible": _ansible,
}


def _unwrapped(words: list[Word]) -> list[Word] | None:
    """The command behind ``nohup``, ``nice -n 5``, ``env A=b``...; None when it stands in front already."""
    name = posixpath.basename(plain(words[0]) or "")
    rest = words[1:]
    if name in BARE:
        return rest
    if name == "nice":
        return rest[2:] if rest[:1] == [("-n",)] else [word for at, word in enumerate(rest) if at or not _option(word)]
    if name in ("env", "sudo"):
        while rest and (_option(rest[0]) or "=" in (plain(rest[0]) or "")):
            rest = rest[2:] if plain(rest[0]) == "-u" else rest[1:]
        return rest
    if name in ("timeout", "flock"):  # options, then a duration or a file
        while rest and _option(rest[0]):
            rest = rest[2:] if plain(rest[0]) in ("-w", "-E", "-s", "-k", "--signal", "--kill-after") else rest[1:]
        return rest[1:]
    return None


def _option(word: Word) -> bool:
    return (plain(word) or "").startswith("-")


def _su_command(words: Sequence[Word]) -> str:
    texts = [_text([word]) for word in words]
    if "-c" not in texts:
        raise UnclearError("su without -c reads its commands from elsewhere")
    return _after(texts, "-c", "-c")


def _ssh_command(words: Sequence[Word]) -> tuple[str, str]:
    """Host and remote command of an ssh call."""
    texts = [_text([word]) for word in words[1:]]
    while texts and texts[0].startswith("-"):
        takes = texts[0][-1] in _SSH_TAKES_VALUE and len(texts[0]) == 2
        texts = texts[2:] if takes else texts[1:]
    if len(texts) < 2:
        raise UnclearError("ssh without a command")
    return texts[0].rpartition("@")[2], " ".join(texts[1:])


def _text(words: Sequence[Word]) -> str:
    """Words that are handed on to another shell as they stand."""
    found = [plain(word) for word in words]
    if not found or None in found:
        raise UnclearError("a command within a command that only the shell can put together")
    return " ".join(text for text in found if text is not None)


def _after(texts: Sequence[str], *options: str) -> str:
    return next((texts[at + 1] for at, text in enumerate(texts[:-1]) if text in options), "")


def _joined(words: Sequence[Word]) -> str:
    """The words as a person reads them."""
    return " ".join(
        "".join(p if isinstance(p, str) else f"${p.name}" if isinstance(p, Variable) else f"$({p.text})" for p in word)
        for word in words
    )


def _shown(words: Sequence[Word]) -> str:
    """The same, cut where they are many."""
    text = _joined(words)
    return text if len(text) <= 90 else f"{text[:87]}..."
