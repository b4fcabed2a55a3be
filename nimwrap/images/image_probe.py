"""Looking at image files on a master: the questions for one image, and what their answers say."""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nimwrap.aix import cksum, ls, lsmksysb, lsnim, restore
from nimwrap.aix.text import Unrecognised
from nimwrap.domain.errors import master_unreachable
from nimwrap.domain.sighting import FileIdentity
from nimwrap.hosts.protocol import Host
from nimwrap.hosts.script_batch import Answer, Question, answers, questionnaire
from nimwrap.images.kinds.base import ImageKind

HEADER_LIMIT_S = 120
"""``lsmksysb`` reads only the image's beginning; longer than this means a filesystem that does not answer."""


@dataclass(frozen=True)
class Place:
    """Where one image lies and what its resource is called."""

    kind: ImageKind
    location: str
    resource: str | None


@dataclass(frozen=True)
class Depth:
    """How much is read: limits in seconds for ``cksum`` and for the full read; None leaves it out."""

    cksum_s: int | None = None
    read_s: int | None = None


@dataclass(frozen=True)
class ProbedImage:
    """What stood at one place. ``size_bytes`` None: no file; ``header`` None: ``header_says`` tells why.

    ``header_ended``: the header could not be judged (the command is missing, or was ended by its limit).
    """

    size_bytes: int | None
    file_says: str
    header: lsmksysb.ImageHeader | None
    header_says: str
    header_ended: bool
    resource: lsnim.NimObject | None
    resource_says: str
    checksum: cksum.Checksum | None
    read: restore.FullRead | None
    unanswered: tuple[str, ...] = ()
    identity: FileIdentity | None = None

    @property
    def read_whole(self) -> bool:
        """True when the image was read to its end, and has files in it."""
        return self.read is not None and self.read.returncode == 0 and self.read.files > 0

    def unjudged(self, place: Place) -> str | None:
        """Why nothing can be said about the image: a tool that is missing, hangs or fails for its own reasons."""
        if "file" in self.unanswered:
            return f"ls gave no answer about {place.location}"
        if self.size_bytes and place.kind.proof.reader and self.header is None and self.header_ended:
            return f"{place.kind.proof.reader} gave no answer: {self.header_says[:200]}"
        if place.resource and self.resource is None and not lsnim.no_such_object(self.resource_says):
            return f"lsnim gave no answer about {place.resource}: {self.resource_says[:200]}"
        return None


def ask(host: Host, questions: Iterable[Question], *, timeout: float = 300.0) -> dict[str, Answer]:
    """All ``questions`` in one round trip; raises ``master_unreachable`` when the connection was lost on the way."""
    nonce = secrets.token_hex(8)
    result = host.run(questionnaire(questions, nonce), timeout=timeout)
    if result.unknown:
        raise master_unreachable(
            f"the connection to {host.name} was lost before it had answered",
            "run the command again; nothing was changed",
        )
    return answers(result.stdout, nonce)


def unanswered(asked: Iterable[Question], given: Mapping[str, Answer]) -> str:
    """The questions without which nothing is known about an image, and that got no answer; empty when all have one.

    How long it takes to read all of it is a matter of its size: that one may run out of its time.
    """
    needed = [question.name for question in asked if question.limit_s == HEADER_LIMIT_S]
    return ", ".join(name for name in needed if (answer := given.get(name)) is None or answer.unknown)


def df_shell(directory: str) -> str:
    """``df`` of ``directory``, or of the nearest one above it that exists."""
    nearest = f"d={shlex.quote(directory)}; while [ ! -d $d ]; do d=${{d%/*}}; d=${{d:-/}}; done"
    return f"{nearest}; df -Pk $d"


def real_location(host: Host, resource: str) -> str | None:
    """Where NIM has put a resource's file: with NIM_MKSYSB_SUBDIRS it is not where it was asked to (aix-nim 3.1)."""
    answer = ask(host, [Question("resource", shlex.join(lsnim.long_argv(resource)), HEADER_LIMIT_S)])["resource"]
    if answer.unknown:
        raise master_unreachable(
            f"lsnim on {host.name} does not say where {resource} lies", "nimwrap recover asks again"
        )
    if answer.failed:
        return None
    found = lsnim.parse_long(answer.output).get(resource)
    return found.first("location") if found else None


def questions(place: Place, depth: Depth = Depth(), tag: str = "") -> list[Question]:
    """What to ask about one image; ``tag`` sets it apart from others in the same script."""
    asked = [Question(f"file{tag}", shlex.join(ls.identity_argv(place.location)), HEADER_LIMIT_S)]
    if place.kind.proof.reader:
        asked.append(Question(f"header{tag}", place.kind.header_shell(place.location), HEADER_LIMIT_S))
    if place.resource:
        asked.append(Question(f"resource{tag}", shlex.join(lsnim.long_argv(place.resource)), HEADER_LIMIT_S))
    if depth.cksum_s:
        asked.append(Question(f"cksum{tag}", shlex.join(cksum.argv(place.location)), depth.cksum_s))
    if depth.read_s and place.kind.proof.full_reader:
        asked.append(Question(f"read{tag}", restore.shell(place.location), depth.read_s))
    return asked


def seen(place: Place, given: Mapping[str, Answer], tag: str = "") -> ProbedImage:
    """What the answers say about one image. An answer that never came is named in ``unanswered``."""
    identity, file_says, missing = _file(given.get(f"file{tag}"))
    header, header_says, header_ended = _header(given.get(f"header{tag}"))
    resource, resource_says = _resource(place, given.get(f"resource{tag}"))
    checksum = read = None
    summed, whole = given.get(f"cksum{tag}"), given.get(f"read{tag}")
    if summed is not None and summed.succeeded:  # when nobody knows, it is named in ``unanswered``
        checksum = cksum.parse(summed.output)
    if whole is not None and not whole.unknown:
        read = restore.parse(whole.output)
    ended = [name for name, answer in (("cksum", summed), ("read", whole)) if answer is not None and answer.unknown]
    return ProbedImage(
        identity.size_bytes if identity else None,
        file_says,
        header,
        header_says,
        header_ended,
        resource,
        resource_says,
        checksum,
        read,
        (*missing, *ended),
        identity,
    )


def _file(answer: Answer | None) -> tuple[FileIdentity | None, str, tuple[str, ...]]:
    if answer is None or answer.unknown:
        return None, "no answer", ("file",)
    if answer.failed:
        return None, answer.output.strip(), ()
    entries = ls.parse(answer.output)
    if not entries or not entries[0].regular:
        return None, answer.output.strip(), ()
    found = entries[0]
    return FileIdentity("", found.inode, found.size_bytes, found.modified), answer.output.strip(), ()


def _header(answer: Answer | None) -> tuple[lsmksysb.ImageHeader | None, str, bool]:
    if answer is None:
        return None, "", True
    if answer.unknown or answer.returncode == 127:
        return None, answer.output.strip() or "no answer within its limit", True
    if answer.failed:
        return None, answer.output.strip(), False
    try:
        return lsmksysb.parse(answer.output), answer.output.strip(), False
    except Unrecognised as unknown:
        return None, str(unknown), False


def _resource(place: Place, answer: Answer | None) -> tuple[lsnim.NimObject | None, str]:
    if place.resource is None or answer is None:
        return None, ""
    if answer.unknown:
        return None, f"no answer {answer.output.strip()}".strip()
    if answer.failed:
        return None, answer.output.strip() or "no answer"
    try:
        return lsnim.parse_long(answer.output).get(place.resource), answer.output.strip()
    except Unrecognised as unknown:
        return None, str(unknown)
