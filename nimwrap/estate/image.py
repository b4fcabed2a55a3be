"""The estate's own image format, honest about damage: header, padding to a real size, trailer with a checksum.

A header says of which host, when, how many files; the trailer repeats the size and holds a CRC of all before it.
So a cut file has no trailer, a flipped bit breaks a checksum, and another host's image says so.
"""

from __future__ import annotations

from binascii import crc32

from nimwrap.estate.stdlib import NamedTuple, dumps, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO

MAGIC = b"ESTATE-IMAGE 1\n"
HEADER_BYTES = 4096
TRAILER_BYTES = 40
_PATTERN = bytes(range(256)) * 256


class DamagedError(ValueError):
    """The file is not an image, or not a whole one; ``truncated`` tells which."""

    def __init__(self, text: str, *, truncated: bool = False) -> None:
        super().__init__(text)
        self.truncated = truncated


class Header(NamedTuple):
    """What an image says of itself. Sizes in bytes; ``date`` is text as lsmksysb prints it."""

    node: str
    machine_id: str
    date: str
    oslevel: str
    volume_group: str
    flags: str
    files: int
    size: int
    kind: str = "mksysb"


def parts(header: Header, pieces: int) -> Iterator[bytes]:
    """The bytes of a whole image in about ``pieces`` portions, the trailer as the last one."""
    top = _header(header)
    checksum = crc32(top)
    yield top
    body = max(0, header.size - HEADER_BYTES - TRAILER_BYTES)
    step = max(1, -(-body // max(1, pieces)))
    while body:
        amount = min(step, body)
        portion = (_PATTERN * (amount // len(_PATTERN) + 1))[:amount]
        checksum = crc32(portion, checksum)
        body -= amount
        yield portion
    yield b"END %016d %08x" % (header.size, checksum) + b" " * 10 + b"\n"


def _header(header: Header) -> bytes:
    text = dumps(header._asdict()).encode()
    top = MAGIC + b"%08x " % crc32(text) + text + b"\n"
    return top + b"\0" * (HEADER_BYTES - len(top))


def read_header(file: BinaryIO) -> Header:
    """The header at the start of ``file``; raises DamagedError."""
    top = file.read(HEADER_BYTES)
    if len(top) < HEADER_BYTES:
        raise DamagedError("shorter than its header", truncated=True)
    if not top.startswith(MAGIC):
        raise DamagedError("not a backup image")
    checksum, _, text = top[len(MAGIC) :].rstrip(b"\0").rstrip(b"\n").partition(b" ")
    if b"%08x" % crc32(text) != checksum:
        raise DamagedError("header checksum")
    fields: dict[str, Any] = loads(text.decode())
    return Header(**fields)


def check_whole(file: BinaryIO) -> Header:
    """Read ``file`` from its start to its end; raises DamagedError."""
    header = read_header(file)
    file.seek(0)
    checksum = 0
    remaining = header.size - TRAILER_BYTES
    while remaining > 0:
        portion = file.read(min(1 << 20, remaining))
        if not portion:
            raise DamagedError("ends early", truncated=True)
        checksum = crc32(portion, checksum)
        remaining -= len(portion)
    trailer = file.read(TRAILER_BYTES)
    if len(trailer) < TRAILER_BYTES:
        raise DamagedError("has no end", truncated=True)
    if not trailer.startswith(b"END %016d %08x" % (header.size, checksum)):
        raise DamagedError("checksum")
    return header
