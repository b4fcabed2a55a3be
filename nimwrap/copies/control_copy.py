"""Kind ``command`` with ``on = "control"``: a program here, to whose standard input the image is streamed.

Nothing of it is kept here but a block; the checksums are counted over what passes by. It is not detached: what is cut
off begins anew, and a program is ended before it could take half an image for the whole.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta

from nimwrap.copies.base import CopyOrder
from nimwrap.copies.command_copy import CommandCopy
from nimwrap.domain.durations import parse_rfc3339, rfc3339
from nimwrap.domain.posix_cksum import PosixCksum
from nimwrap.failpoints import failpoint
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.jobs.detached_job import JobState, JobStatus
from nimwrap.locks.lock_scripts import MARK
from nimwrap.master_context import MasterContext

_HOLE = re.compile(r"\{([a-z]+)\}")
_SAID = 1_000_000
"""Bytes of what a program says that are looked at."""


class ControlCopy(CommandCopy):
    """Its texts for the master do nothing: ``make``, ``check`` and ``remove`` are done by the functions below."""

    here = True

    def make(self, order: CopyOrder) -> str:
        return ":\n"

    def check(self, order: CopyOrder, *, draft: bool) -> str:
        return ":\n"

    def fetch(self, order: CopyOrder) -> str:
        """The program's output is what it brings back."""
        return (
            shlex.join(_argv(order, order.place.fetch)) + f" > {shlex.quote(order.name)}" if order.place.fetch else ""
        )


class _ProgramEndedError(Exception):
    """The program takes nothing more."""


class _Program:
    """One running program: what it is given, and what it said."""

    def __init__(self, argv: Sequence[str], timeout_s: float) -> None:
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  closed by ``end``
        self._process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=self._said, stderr=subprocess.STDOUT, cwd="/", start_new_session=True
        )
        self._late = threading.Timer(timeout_s, self.kill)
        self._late.daemon = True
        self._late.start()

    def give(self, data: bytes) -> None:
        """Blocks until the program has taken it."""
        assert self._process.stdin is not None  # noqa: S101  (it is PIPE)
        try:
            self._process.stdin.write(data)
        except OSError as error:
            raise _ProgramEndedError from error

    def kill(self) -> None:
        with suppress(OSError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> tuple[int, str]:
        """Tell it that this was all; its status, and what it said."""
        assert self._process.stdin is not None  # noqa: S101  (it is PIPE)
        with suppress(OSError):
            self._process.stdin.close()
        status = self._process.wait()
        self._late.cancel()
        with self._said:
            self._said.seek(0)
            return status, self._said.read(_SAID).decode("utf-8", "replace")


@contextmanager
def _running(argv: Sequence[str], timeout_s: float) -> Iterator[_Program]:
    """A program that does not outlive the block; OSError where it cannot be started."""
    program = _Program(argv, timeout_s)
    try:
        yield program
    except BaseException:
        program.kill()
        program.end()
        raise


def store_here(context: MasterContext, order: CopyOrder) -> JobStatus:
    """Stream the image to ``store``, what goes with it before; done only when all of it passed, as it was proven."""
    failpoint(f"store {order.name} here")
    try:
        for name, text in order.kit.items():
            status, said = _fed(order, _argv(order, order.place.store, name, text.encode()), text.encode())
            if status != 0:
                return _status(status, said)
        return _streamed(context, order)
    except OSError as error:
        return _status(127, f"{order.place.store[0]}: {error.strerror}")


def check_here(order: CopyOrder) -> JobStatus:
    """Read it back by ``check``: it prints the checksum as a word of its own, or is given it and says by its status."""
    try:
        status, said = _fed(order, _argv(order, order.place.check), b"")
    except OSError as error:
        return _status(127, f"{order.place.check[0]}: {error.strerror}")
    known = order.known
    given = any("{checksum}" in word for word in order.place.check)
    if status == 0 and not given and known.word not in said.lower().split():
        return _status(1, f"the checksum {known.word} is not in what the check says")
    proven = f"{MARK}sha256 {known.sha256}\n" if known.sha256 else f"{MARK}cksum {known.crc}\n"
    return _status(status, proven if status == 0 else said)


def remove_here(order: CopyOrder) -> JobStatus:
    """Remove it, and first what was stored beside it, whether or not that can be."""
    try:
        for name in order.kit:
            _fed(order, _argv(order, order.place.remove, name, b""), b"")
        return _status(*_fed(order, _argv(order, order.place.remove), b""))
    except OSError as error:
        return _status(127, f"{order.place.remove[0]}: {error.strerror}")


def _streamed(context: MasterContext, order: CopyOrder) -> JobStatus:
    sha, crc = hashlib.sha256(), PosixCksum()
    with _running(_argv(order, order.place.store), order.place.timeout) as program:
        passed = _passing(context, program, (sha.update, crc.add))
        try:
            script = f"{PREAMBLE}cat {shlex.quote(order.row.location)}"
            result = context.host.run(script, timeout=order.place.timeout, sink=passed)
            lost = result.unknown or result.failed
            why = (result.stderr.strip() or "the connection was lost") if lost else ""
        except _ProgramEndedError:
            why = "the program ended before it had all of the image"
        if not why and order.known.crc and crc.text != order.known.crc:
            why = f"the image has the checksum {crc.text}, it was proven with {order.known.crc}"
        if why:
            program.kill()
        status, said = program.end()
    if why:
        return _status(1, f"{said}\n{why}")
    return _status(status, f"{said}\n{MARK}sha256 {sha.hexdigest()}\n{MARK}cksum {crc.text}\n")


def _passing(
    context: MasterContext, program: _Program, counts: Sequence[Callable[[bytes], object]]
) -> Callable[[bytes], None]:
    def passed(data: bytes) -> None:
        context.clock.check()
        for count in counts:
            count(data)
        program.give(data)

    return passed


def _fed(order: CopyOrder, argv: Sequence[str], data: bytes) -> tuple[int, str]:
    with _running(argv, order.place.timeout) as program:
        with suppress(_ProgramEndedError):
            program.give(data)
        return program.end()


def _argv(order: CopyOrder, words: Sequence[str], name: str = "", data: bytes = b"") -> list[str]:
    """The program's words for the image, or for the file ``name`` that goes with it."""
    row = order.row
    values = {
        "file": row.location,
        "client": row.client,
        "name": name or order.name,
        "size": str(len(data) if name else row.size_bytes),
        "checksum": hashlib.sha256(data).hexdigest() if name else order.known.word,
        "until": rfc3339(parse_rfc3339(row.created) + timedelta(seconds=order.place.max_age)),
    }
    return [_HOLE.sub(lambda hole: values.get(hole[1], hole[0]), word) for word in words]


def _status(status: int, said: str) -> JobStatus:
    return JobStatus(JobState.DONE, 128 - status if status < 0 else status, said)


KIND = ControlCopy()
