"""A script as one command line for a shell that is not ours, and the proof that it was started and has ended.

The command says a nonce before the script, on both streams, and once more, with the status, after it. So what ssh,
sudo, a login's profile or an expired password (AIX 3004-610) say is never taken for the script's own words, and a
lost connection is told from a script that ends with 255.
"""

from __future__ import annotations

import re
import secrets
import shlex
from dataclasses import dataclass

from nimwrap.hosts.script_batch import STATUS

LINE_LIMIT = 20_000
"""Longest command line in bytes: an AIX with ``ncargs`` at its old default takes 24 kB, environment included."""

NO_KSH, CSH = 97, "nw_csh"
"""How a command ends that a csh was given, and what it prints."""
_GONE = f'exec sh -c "echo {CSH}; exit {NO_KSH}"'
NOT_FOR_CSH = f'test "$?0" = 0 && {_GONE}; test "$?0" = 1 && {_GONE}'
"""First line of what a login shell is to read. csh would not refuse a script: it complains of the lines that it cannot
read, and runs the others; its ``exit`` ends no more than a line. To it ``$?0`` is one digit, and to every shell of
Bourne's line a status and a naught."""

_FROM_INPUT = 'nw_s=$(cat); eval "$nw_s" </dev/null'
"""Reads the whole script before the first command of it runs, and that one has empty input.

So nothing in the script can swallow the rest of the script, as it could under ``ksh -s``.
"""


@dataclass(frozen=True)
class Command:
    """``line`` for a remote shell, and all the input it needs; ``nonce`` marks begin and end."""

    line: str
    stdin: bytes
    nonce: str

    @property
    def begin(self) -> bytes:
        """What is said before the script's own words."""
        return f"@@{self.nonce} begin".encode()


@dataclass(frozen=True)
class Unwrapped:
    """What came back, without our marks.

    ``ended`` is the script's own status, None if its end was not seen; ``before`` is what others said on stderr
    before the script began; what they said on stdout is left out.
    """

    started: bool
    ended: int | None
    stdout: str
    stderr: str
    before: str


def wrapped(script: str, *, become: str = "", shell: str = "") -> Command:
    """``script`` with its marks, run by root through ``sudo -n`` if ``become`` says so (``sudo``, or its path).

    Without ``become`` and ``shell`` (a program that takes ``-c``) the login shell reads the script itself. What is
    too long for a command line goes over the input.
    """
    nonce = secrets.token_hex(6)
    begin = f"echo '@@{nonce} begin'"
    body = f'{begin}; {begin} >&2\n(\n{script}\n)\n{STATUS}\necho "@@{nonce} end $nw_rc" >&2; exit $nw_rc'
    prefix = ""
    if become:
        prefix = f"{shlex.quote(become)} -n {shlex.quote(shell or '/usr/bin/ksh')} -c "
    elif shell:
        prefix = f"exec {shlex.quote(shell)} -c "
    line = _line(prefix, body)
    if len(line.encode()) <= LINE_LIMIT:
        return Command(line, b"", nonce)
    return Command(_line(prefix, _FROM_INPUT), body.encode(), nonce)


def unwrapped(command: Command, stdout: str, stderr: str) -> Unwrapped:
    """Take the marks of ``command`` out of its output again; a server may have merged stderr into stdout."""
    begin = re.compile(rf"@@{command.nonce} begin\r?\n")
    end = re.compile(rf"@@{command.nonce} end (\d+)\r?\n?")
    before, ended = stderr, None
    started = begin.search(stderr)
    if started:
        before, stderr = stderr[: started.start()], stderr[started.end() :]
    *_, last = [None, *begin.finditer(stdout)]  # twice where both streams came as one
    if last:
        started, stdout = started or last, stdout[last.end() :]
    for text in (stderr, stdout):
        if match := end.search(text):
            ended = int(match[1])
    return Unwrapped(started is not None, ended, end.sub("", stdout), end.sub("", stderr), before)


def _line(prefix: str, body: str) -> str:
    return f"{NOT_FOR_CSH}\n{prefix}{shlex.quote(body) if prefix else body}"
