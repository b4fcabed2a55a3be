"""From a NIM master to its clients: one script on the master asks many of them at once (aix-nim section 5.1).

``c_rsh`` is NIM's own way and needs no keys; its exit status is not the remote one and it may hang, so every call
is bounded and the script itself reports its status as the last line, ``nw_rc=N``. What it carries is not public
(aix-audit, row 1) and is found out when an answer does not come. ``ssh`` is the other way.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.names import is_address, is_host_name
from nimwrap.hosts.channel_route import MUTE, NARROW, SELF, piece_bytes, way_of
from nimwrap.hosts.fan_out import FanOut, client_script, program
from nimwrap.hosts.piecewise import bounded, delivering
from nimwrap.hosts.protocol import CommandResult, Host
from nimwrap.hosts.script_batch import answers
from nimwrap.hosts.three_valued import ThreeValued

PARALLEL = 16
"""Clients of one master that are asked at the same time."""

_RC = re.compile(r"(\r?\n)?^nw_rc=(\d+)\r?\n?", re.MULTILINE)
_ROUTE = re.compile(r"^nw_route=(\S+) (\d+)\r?\n?", re.MULTILINE)
_SCRIPT_LIMIT = 100_000  # what is longer than a command line goes over the input; a shell holds it in a variable
_TOGETHER = 500  # so that the answers, of which a transport keeps 16 MB, have 32 kB each
_MEASURING_S = 120
"""What finding out about narrow channels may take beside the answers themselves."""


@dataclass(frozen=True)
class ClientRequest:
    """``script`` for the client's shell, ``host`` as the master is to call it (NIM's if1 name).

    ``arguments`` are the script's ``$1``, ``$2``..: a script that differs from client to client only by them travels
    to the master once. ``route``: the way that is known to lead there, empty to find out.
    """

    host: str
    script: str
    arguments: tuple[str, ...] = ()
    route: str = ""


@dataclass(frozen=True)
class ChannelAnswer(ThreeValued):
    """``reached`` False: the channel failed and ``output`` says how; else ``returncode`` is the script's own.

    ``route`` is the way it took (channel_route), ``calls`` how often the client was called for it.
    """

    reached: bool
    returncode: int | None
    output: str
    route: str = field(default="", compare=False)
    calls: int = field(default=1, compare=False)

    @property
    def narrow(self) -> bool:
        """True when c_rsh reaches the client and does not carry, or not run, what it is given."""
        return way_of(self.route) in (NARROW, MUTE)


def client_command(route: str, client_host: str, script: str, limit_s: int, name: str = "") -> str:
    """Shell text for the master: runs ``script`` on the client within ``limit_s`` seconds, by a known ``route``.

    Where it travels in pieces they lie in a directory on the client whose name begins with ``/tmp/nw.`` and ``name``:
    who may be ended in the middle of it gives one, by which what is left is found.

    It prints the client's merged output and, last, ``nw_rc=N``; without that line the channel failed and the output
    says why. Its status on the master means nothing. Raises NimwrapError ``name_invalid`` for a host that may not
    reach a shell.
    """
    if not (is_host_name(client_host) or is_address(client_host)):
        raise NimwrapError(f"{client_host[:80]!r} is not a host name", code="name_invalid", exit_code=ExitCode.REFUSED)
    text, size = client_script(route, script), piece_bytes(route)
    if size is not None:
        return delivering(client_host, text, size, limit_s, name or secrets.token_hex(6))
    whom = [] if route == SELF else [client_host]
    return bounded(shlex.join([*program(route).split(), *whom, text]), limit_s)


def parse_channel(output: str) -> ChannelAnswer:
    """What :func:`client_command` printed; text that the channel adds after the status is kept in the output."""
    if told := _ROUTE.search(output):
        answer = parse_channel(_ROUTE.sub("", output))
        return replace(answer, route=told[1], calls=int(told[2]))
    matches = list(_RC.finditer(output))
    if not matches:
        return ChannelAnswer(False, None, output)
    found = matches[-1]
    code = int(found[2])
    rest = output[found.end() :]
    text = output[: found.start()]
    return ChannelAnswer(True, code - 128 if code > 255 else code, f"{text}\n{rest}" if rest.strip() else text)


def ask_clients(
    host: Host,
    channel: str,
    requests: Mapping[str, ClientRequest],
    *,
    parallel: int = PARALLEL,
    limit_s: int = 60,
    after: str = "",
) -> dict[str, ChannelAnswer]:
    """Run every request on its client, ``parallel`` at once, by one script on master ``host``; one answer for each.

    ``after`` is shell text for the master, run after each client with its host in ``$nw_h`` and what it said in
    ``$nw_c``; what it prints is added to the answer. It must end by itself.
    A client that hangs costs its own ``limit_s`` seconds and holds up only the worker that asked it. Nothing is
    written on the master. Raises what ``host.run`` raises, and NimwrapError ``unknown`` when the master's shell fails.
    """
    return _asked(host, FanOut(channel, parallel, limit_s, secrets.token_hex(6), after), requests)[0]


def ask_beside(
    host: Host, channel: str, requests: Mapping[str, ClientRequest], own: str, *, limit_s: int = 60, after: str = ""
) -> tuple[dict[str, ChannelAnswer], CommandResult | None]:
    """As :func:`ask_clients`, while the master answers ``own`` at the same time, in the same round trip.

    ``own`` is script text whose answers bear marks; they stand in the output of the result, None without any script.
    """
    return _asked(host, FanOut(channel, PARALLEL, limit_s, secrets.token_hex(6), after), requests, own)


def _asked(
    host: Host, fan: FanOut, requests: Mapping[str, ClientRequest], own: str = ""
) -> tuple[dict[str, ChannelAnswer], CommandResult | None]:
    valid = [name for name, asked in requests.items() if is_host_name(asked.host) or is_address(asked.host)]
    found = {
        name: ChannelAnswer(False, None, f"not asked: {requests[name].host[:80]!r} is not a host name")
        for name in requests.keys() - set(valid)
    }
    first: CommandResult | None = None
    for names in list(_chunks(valid, requests, fan)) or ([[]] if own else []):
        rounds = max(1, -(-len(names) // fan.parallel))
        script = fan.script([requests[name] for name in names], own if first is None else "") if names else own
        result = host.run(script, timeout=rounds * (fan.limit_s + 3) + 60 + (_MEASURING_S if fan.finds_out else 0))
        first = result if first is None else first
        said = answers(result.stdout, fan.nonce)
        for index, name in enumerate(names):
            answer = said.get(str(index))
            told = _unanswered(result) if answer is None else parse_channel(answer.output)
            found[name] = told if told.route else replace(told, route=fan.usual)
    return {name: found[name] for name in requests}, first


def _chunks(names: list[str], requests: Mapping[str, ClientRequest], fan: FanOut) -> Iterator[list[str]]:
    """``names`` in parts that one round trip carries, there and back; a single one may be larger."""
    few = len(names) <= _TOGETHER
    if len(names) < 2 or (few and len(fan.script([requests[name] for name in names]).encode()) < _SCRIPT_LIMIT):
        if names:
            yield names
        return
    half = len(names) // 2
    yield from _chunks(names[:half], requests, fan)
    yield from _chunks(names[half:], requests, fan)


def _unanswered(result: CommandResult) -> ChannelAnswer:
    if result.returncode not in (0, None):
        raise NimwrapError(
            f"the master cannot ask its clients: {result.stderr.strip() or result.stdout.strip() or 'no reason given'}",
        )
    return ChannelAnswer(False, None, "the connection to the master was lost before the client's answer came")
