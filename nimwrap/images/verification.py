"""The proof of a new image: is it whole, and of this client? Every verdict names its evidence.

``prove`` runs right after an operation, ``judge`` is its pure half. Beside return code and output it looks at what
stands on the master's disk, at the image's own header, and at the client's earlier images. A cut image still has its
header, so one that is smaller than usual, or has no earlier one to be compared with, is read to its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from nimwrap.aix import nim
from nimwrap.aix.classify import classify
from nimwrap.aix.messages import headline
from nimwrap.domain.codes import FailureCode, Outcome
from nimwrap.domain.durations import format_size
from nimwrap.domain.errors import master_unreachable
from nimwrap.domain.findings import Failure
from nimwrap.domain.sighting import FileIdentity
from nimwrap.hosts.protocol import Host
from nimwrap.images import image_probe
from nimwrap.images.image_probe import Depth, Place, ProbedImage
from nimwrap.images.kinds.base import ImageKind
from nimwrap.images.kinds.registry import KINDS

SMALLER = 0.85
"""Below this share of the client's usual size or file count an image is read in full."""
SUDDEN_DROP = 0.7
"""Below this share a whole image is still a ``warning``."""
IMPLAUSIBLE = 0.1
"""Below this share it counts as cut off, unless reading all of it proves otherwise."""
OF_SHRUNK_SIZE = 0.05
"""An image is packed and may leave files out, but below this share of its own SHRINK SIZE it is read in full."""
CKSUM_LIMIT_S = 1800
READ_LIMIT_S = 3600


@dataclass(frozen=True)
class Expectation:
    """What an image ought to be. ``node`` and ``machine_id``: as the client itself said in this run.

    ``returncode`` None: the operation never came back, or its status was lost. ``sizes`` in bytes and ``file_counts``
    are those of the client's earlier good images of this kind, newest first. Not ``thorough``: only what is quick,
    for an image that was proven a moment ago at another place.
    ``by_reading``: the operation was ended before it could say 0512-038; that the image can be read to its end stands
    in for it.
    """

    kind: str
    location: str
    resource: str | None
    returncode: int | None
    output: str
    node: str | None = None
    machine_id: str | None = None
    sizes: tuple[int, ...] = ()
    file_counts: tuple[int, ...] = ()
    thorough: bool = True
    by_reading: bool = False

    @property
    def place(self) -> Place:
        return Place(KINDS[self.kind], self.location, self.resource)


@dataclass(frozen=True)
class Proof:
    """``good``: it counts as a generation. ``failure`` is set for a warning too; ``notes`` never change the verdict."""

    good: bool
    outcome: Outcome
    failure: Failure | None
    location: str = ""
    size_bytes: int = 0
    verified_by: tuple[str, ...] = ()
    node: str | None = None
    machine_id: str | None = None
    oslevel: str | None = None
    backup_date: str | None = None
    file_count: int | None = None
    cksum: str | None = None
    identity: FileIdentity | None = None
    notes: tuple[str, ...] = ()


def prove(host: Host, expectation: Expectation) -> Proof:
    """The verdict on a new image, in one round trip; one that is smaller than usual is read in full in a second.

    Raises ``master_unreachable`` when the connection was lost: then nothing is known, and it may be asked again.
    """
    place = expectation.place
    depth = Depth()
    if expectation.thorough:
        whole = expectation.by_reading or not expectation.sizes
        depth = Depth(cksum_s=CKSUM_LIMIT_S, read_s=READ_LIMIT_S if whole else None)
    asked = image_probe.questions(place, depth)
    given = image_probe.ask(host, asked, timeout=CKSUM_LIMIT_S + READ_LIMIT_S + 600)
    if silent := image_probe.unanswered(asked, given):
        raise master_unreachable(f"{host.name} did not say how {place.location} stands: no answer to {silent}")
    seen = image_probe.seen(place, given)
    if expectation.thorough and seen.header is not None and seen.read is None and suspicions(seen, expectation):
        asked = image_probe.questions(place, Depth(read_s=READ_LIMIT_S))
        given = image_probe.ask(host, asked, timeout=READ_LIMIT_S + 600)
        seen = replace(seen, read=image_probe.seen(place, given).read)
    return judge(seen, expectation)


def judge(seen: ProbedImage, expectation: Expectation) -> Proof:
    """The verdict on what was seen: the fault nearest the cause, else a warning, else ok."""
    proven_whole = expectation.by_reading and (seen.read_whole or not expectation.thorough)
    spoken = None if proven_whole else operation_fault(expectation)
    failure = spoken or image_fault(seen, expectation) or resource_fault(seen, expectation.place)
    warning = None if failure else _warning(seen, expectation)
    header, progress = seen.header, nim.parse_progress(expectation.output)
    return Proof(
        good=failure is None,
        outcome=Outcome.FAILED if failure else Outcome.WARNING if warning else Outcome.OK,
        failure=failure or warning,
        location=expectation.location,
        size_bytes=seen.size_bytes or 0,
        verified_by=() if failure else evidence(seen, expectation),
        node=header.node if header else None,
        machine_id=header.machine_id if header else None,
        oslevel=(header.service_pack or header.maintenance_level or header.oslevel or None) if header else None,
        backup_date=(header.backup_date or None) if header else None,
        file_count=progress.total if progress else None,
        cksum=seen.checksum.text if seen.checksum and not failure else None,
        identity=seen.identity,
        notes=tuple(suspicions(seen, expectation)),
    )


def evidence(seen: ProbedImage, expectation: Expectation) -> tuple[str, ...]:
    """The names of the proofs that an image without a fault passed."""
    said = {
        "rc 0": expectation.returncode == 0,
        "0512-038": nim.completed(expectation.output),
        "file": seen.size_bytes is not None,
        expectation.place.kind.proof.reader or "": seen.header is not None,
        "host": seen.header is not None and bool(expectation.node or expectation.machine_id),
        "restore -T": seen.read_whole,
        "resource": seen.resource is not None,
    }
    return tuple(name for name, holds in said.items() if holds)


def proofs_of(kind: ImageKind, *, first: bool) -> tuple[str, ...]:
    """The names of the proofs that a new image has to pass; the ``first`` one of a client is also read to its end."""
    asked = {
        "rc 0": True,
        "0512-038": kind.proof.success_code,
        "file": True,
        kind.proof.reader or "": kind.proof.reader is not None,
        "host": kind.proof.names_host,
        "restore -T": kind.proof.full_reader and first,
        "resource": kind.resource_type is not None,
    }
    return tuple(name for name, wanted in asked.items() if wanted)


def operation_fault(expectation: Expectation) -> Failure | None:
    """What return code and output say against it.

    0512-003 alone is nothing: the image exists (aix-nim section 6.4). A status other than 0 beside 0512-038 is left to
    the caller: nim may have lost its session, or been ended, after the image was complete (peers section 2.6, hangs).
    """
    output, returncode = expectation.output, expectation.returncode
    proof = KINDS[expectation.kind].proof
    if nim.archive_warnings(output) or nim.completed(output):
        return None
    if returncode not in (0, None):
        return classify(output, returncode)
    if proof.success_code or returncode is None:
        failure = classify(output, returncode)
        why = "0512-038 was not printed, the only positive proof in the output"
        return replace(failure, message=f"{why}: {failure.message}")
    return None


def image_fault(seen: ProbedImage, expectation: Expectation) -> Failure | None:
    """What the file, its header and its size say against it."""
    place = expectation.place
    return (
        file_fault(seen, place)
        or header_fault(seen, place, max(expectation.sizes, default=0))
        or host_fault(seen, expectation.node, expectation.machine_id)
        or _far_too_small(seen, expectation)
    )


def file_fault(seen: ProbedImage, place: Place) -> Failure | None:
    """No file, an empty one, or one too small to be of its kind."""
    if "file" in seen.unanswered:
        return Failure(
            FailureCode.IMAGE_UNREADABLE,
            f"{place.location}: ls gave no answer within its limit",
            "See whether the filesystem on the master answers.",
            seen.file_says,
        )
    if seen.size_bytes is None:
        return Failure(
            FailureCode.IMAGE_MISSING,
            f"there is no image at {place.location}",
            "See the run's output; nothing else was removed.",
            seen.file_says,
        )
    if seen.size_bytes == 0:
        return Failure(
            FailureCode.IMAGE_MISSING,
            f"the image {place.location} is empty",
            "Look for a full filesystem or a file size limit on client and master.",
            seen.file_says,
        )
    if seen.size_bytes < place.kind.proof.floor_bytes:
        return Failure(
            FailureCode.IMAGE_TRUNCATED,
            f"{place.location} has {seen.size_bytes} bytes: too few for any {place.kind.name}",
            "Look for a full filesystem or a file size limit on client and master.",
            seen.file_says,
        )
    return None


_CUT = ("end of file", "end of media", "truncated", "volume 2", "next volume", "premature")


def header_fault(seen: ProbedImage, place: Place, usual_bytes: int) -> Failure | None:
    """The reader refuses the image. One that also ends early, or is far smaller than usual, was cut off."""
    reader = place.kind.proof.reader
    if reader is None or seen.header is not None:
        return None
    fix = f"Look at the run's output, then at the file: {reader} -lf {place.location}"
    if "0512-054" in seen.header_says:
        return Failure(FailureCode.IMAGE_MISSING, f"{reader} finds nothing at {place.location}", fix, seen.header_says)
    cut = any(word in seen.header_says.lower() for word in _CUT)
    if not seen.header_ended and (cut or (seen.size_bytes or 0) < usual_bytes * SUDDEN_DROP):
        return Failure(
            FailureCode.IMAGE_TRUNCATED,
            f"{reader} cannot read {place.location} to its end: it is cut off",
            fix,
            seen.header_says,
        )
    why = f"{reader} cannot read {place.location}: {first_line(seen.header_says)}"
    return Failure(FailureCode.IMAGE_UNREADABLE, why, fix, seen.header_says)


def host_fault(seen: ProbedImage, node: str | None, machine_id: str | None) -> Failure | None:
    """The header names another node or machine than the one that ought to be in it."""
    if seen.header is None:
        return None
    other_node = node is not None and short_name(node) != short_name(seen.header.node)
    other_machine = machine_id is not None and machine_id.casefold() != seen.header.machine_id.casefold()
    if not other_node and not other_machine:
        return None
    return Failure(
        FailureCode.IMAGE_WRONG_HOST,
        f"the image is of {seen.header.node} (machine {seen.header.machine_id}), "
        f"not of {node or 'the client'} (machine {machine_id or 'unknown'})",
        "See which machine answers to the client's name: a service address may have moved, or a name resolves wrongly.",
        seen.header_says,
    )


def resource_fault(seen: ProbedImage, place: Place) -> Failure | None:
    """The NIM resource is not there, or points to another file."""
    if place.resource is None:
        return None
    if seen.resource is None:
        return Failure(
            FailureCode.NIM_REFUSED,
            f"NIM has no resource {place.resource} for {place.location}",
            f"Define it: {_define_line(place)}",
            seen.resource_says,
        )
    location = seen.resource.first("location")
    if location != place.location:
        return Failure(
            FailureCode.NIM_REFUSED,
            f"the resource {place.resource} is defined at {location}, not at {place.location}",
            f"See who defined it: lsnim -l {place.resource}",
            seen.resource_says,
        )
    return None


def _define_line(place: Place) -> str:
    if place.kind.resource_type is None or place.resource is None:
        return ""
    return " ".join(nim.define_existing(place.resource, location=place.location, type_=place.kind.resource_type))


def suspicions(seen: ProbedImage, expectation: Expectation) -> list[str]:
    """What is odd about the size, with the numbers; each is a reason to read the whole image."""
    found = smaller_than_usual(seen, expectation)
    size = seen.size_bytes or 0
    progress = nim.parse_progress(expectation.output)
    if progress and progress.done < progress.total:
        found.append(f"only {progress.done} of {progress.total} files were reported as backed up")
    if seen.header and seen.header.shrink_mb and size < seen.header.shrink_mb * 1_048_576 * OF_SHRUNK_SIZE:
        found.append(f"{format_size(size)} for {seen.header.shrink_mb} MB of data")
    return found


def smaller_than_usual(seen: ProbedImage, expectation: Expectation) -> list[str]:
    """By how much the size, or the number of files, is below that of the client's recent images."""
    found = []
    size, usual = seen.size_bytes or 0, usual_of(expectation.sizes)
    if usual and size < usual * SMALLER:
        found.append(f"{format_size(size)}, where this client's images usually have {format_size(usual)}")
    progress = nim.parse_progress(expectation.output)
    usual_files = usual_of(expectation.file_counts)
    if progress and usual_files and progress.total < usual_files * SMALLER:
        found.append(f"{progress.total} files, where this client's images usually have {usual_files:.0f}")
    return found


def _far_too_small(seen: ProbedImage, expectation: Expectation) -> Failure | None:
    """A suspicious image that cannot be read to its end, or is far too small and could not be read in full."""
    odd = suspicions(seen, expectation)
    where = expectation.location
    fix = "Look for a full filesystem, a file size limit, or file systems that were not mounted during the backup."
    if seen.read is not None and seen.read.available and seen.read.returncode != 0:
        return Failure(
            FailureCode.IMAGE_TRUNCATED,
            f"{where} cannot be read to its end: {first_line(seen.read.says) or 'restore -T failed'}"
            + (f" ({odd[0]})" if odd else ""),
            fix,
            seen.read.says,
        )
    usual = usual_of(expectation.sizes)
    proven = seen.read is not None and seen.read.returncode == 0
    if usual and not proven and (seen.size_bytes or 0) < usual * IMPLAUSIBLE:
        return Failure(FailureCode.IMAGE_TRUNCATED, f"{where} is implausibly small: {odd[0]}", fix, seen.file_says)
    return None


def _warning(seen: ProbedImage, expectation: Expectation) -> Failure | None:
    if nim.archive_warnings(expectation.output):
        return Failure(
            FailureCode.ARCHIVE_WARNING,
            f"the image was made, but some files could not be archived: {headline(expectation.output)}",
            "See which in the run's output; what comes and goes belongs in /etc/exclude.rootvg.",
            expectation.output[-4000:],
        )
    progress = nim.parse_progress(expectation.output)
    shrunk = (seen.size_bytes or 0) < usual_of(expectation.sizes) * SUDDEN_DROP
    fewer = progress is not None and progress.total < usual_of(expectation.file_counts) * SUDDEN_DROP
    if shrunk or fewer:
        said = "; ".join(smaller_than_usual(seen, expectation))
        return Failure(
            FailureCode.ARCHIVE_WARNING,
            f"the image is whole, but much smaller than usual: {said}",
            "See whether file systems were unmounted or excluded; later images are compared with it.",
            said,
        )
    return None


def usual_of(values: Sequence[int]) -> float:
    """The median of the five newest, 0 without any."""
    return float(median(values[:5])) if values else 0.0


def short_name(name: str) -> str:
    return name.partition(".")[0].casefold()


def first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")
