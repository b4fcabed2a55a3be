"""From a NIM master to its clients: one script on the master asks many of them at once (aix-nim section 5.1).

``c_rsh`` is NIM's own way and needs no keys; its exit status is not the remote one and it may hang, so every call
is bounded and the script itself reports its status as the last line, ``nw_rc=N``. ``ssh`` is the other way. ``self`` is
for what a master makes of itself: there is nobody to call.
"""

from __future__ import annotations

import re
import secrets
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.names import is_address, is_host_name
from nimwrap.hosts.protocol import CommandResult, Host
from nimwrap.hosts.script_batch import PREAMBLE, STATUS, answers, limited
from nimwrap.hosts.three_valued import ThreeValued

PARALLEL = 16
"""Clients of one master that are asked at the same time."""

SELF = "self"
C_RSH = "/usr/lpp/bos.sysmgt/nim/methods/c_rsh"
_SSH = "ssh -n -o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking=yes"
_RC = re.compile(r"(\r?\n)?^nw_rc=(\d+)\r?\n?", re.MULTILINE)
_SCRIPT_LIMIT = 100_000  # what is longer than a command line goes over the input; a shell holds it in a variable
_TOGETHER = 500  # so that the answers, of which a transport keeps 16 MB, have 32 kB each
_SPARE = "~^%@?:,+_"


@dataclass(frozen=True)
class ClientRequest:
    """``script`` for the client's shell, ``host`` as the master is to call it (NIM's if1 name).

    ``arguments`` are the script's ``$1``, ``$2``..: a script that differs from client to client only by them travels
    to the master once.
    """

    host: str
    script: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True)
class ChannelAnswer(ThreeValued):
    """``reached`` False: the channel failed and ``output`` says how; else ``returncode`` is the script's own."""

    reached: bool
    returncode: int | None
    output: str


def client_command(channel: str, client_host: str, script: str, limit_s: int) -> str:
    """Shell text for the master: runs ``script`` on the client within ``limit_s`` seconds.

    It prints the client's merged output and, last, ``nw_rc=N``; without that line the channel failed and the output
    says why. Its status on the master means nothing. Raises NimwrapError ``name_invalid`` for a host that may not
    reach a shell.
    """
    if not (is_host_name(client_host) or is_address(client_host)):
        raise NimwrapError(f"{client_host[:80]!r} is not a host name", code="name_invalid", exit_code=ExitCode.REFUSED)
    whom = [] if channel == SELF else [client_host]
    call = shlex.join([*_program(channel).split(), *whom, _client_script(channel, script)])
    return _bounded(call, limit_s)


def parse_channel(output: str) -> ChannelAnswer:
    """What :func:`client_command` printed; text that the channel adds after the status is kept in the output."""
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
    return _asked(host, _FanOut(channel, parallel, limit_s, secrets.token_hex(6), after), requests)[0]


def ask_beside(
    host: Host, channel: str, requests: Mapping[str, ClientRequest], own: str, *, limit_s: int = 60, after: str = ""
) -> tuple[dict[str, ChannelAnswer], CommandResult | None]:
    """As :func:`ask_clients`, while the master answers ``own`` at the same time, in the same round trip.

    ``own`` is script text whose answers bear marks; they stand in the output of the result, None without any script.
    """
    return _asked(host, _FanOut(channel, PARALLEL, limit_s, secrets.token_hex(6), after), requests, own)


def _asked(
    host: Host, fan: _FanOut, requests: Mapping[str, ClientRequest], own: str = ""
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
        result = host.run(script, timeout=rounds * (fan.limit_s + 3) + 60)
        first = result if first is None else first
        said = answers(result.stdout, fan.nonce)
        for index, name in enumerate(names):
            answer = said.get(str(index))
            found[name] = _unanswered(result) if answer is None else parse_channel(answer.output)
    return {name: found[name] for name in requests}, first


def _chunks(names: list[str], requests: Mapping[str, ClientRequest], fan: _FanOut) -> Iterator[list[str]]:
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


@dataclass(frozen=True)
class _FanOut:
    """Builds the script for the master. It makes no file: nothing to clean up, and nothing that can be full."""

    channel: str
    parallel: int
    limit_s: int
    nonce: str
    after: str = ""

    def script(self, requests: list[ClientRequest], own: str = "") -> str:
        """Equal client scripts are sent once. Each of ``parallel`` workers asks every Nth client, beside ``own``.

        It holds their answers in a variable until it is done, so that a full pipe stops nobody; a null byte would end
        the variable, so those go, and with them the carriage returns of a channel that has a terminal in it.
        ksh88 has no printf of its own, and echo would read backslashes.
        """
        texts: dict[str, int] = {}
        table = []
        for index, request in enumerate(requests):
            number = texts.setdefault(_client_script(self.channel, request.script), len(texts))
            given = shlex.quote(_given(request.arguments))
            table.append(f"{index}) nw_h={shlex.quote(request.host)} nw_s={given}$nw_t{number};;")
        workers = min(self.parallel, len(requests))
        lines = [
            f"{PREAMBLE}# ask {len(requests)} clients by {self.channel}",
            *(f"nw_t{number}={shlex.quote(text)}" for text, number in texts.items()),
            r"nw_clean='tr -d \000\015'",
            "nw_look() { case $1 in",
            *table,
            "esac; }",
            "nw_call() {",
            _bounded(f'{_program(self.channel)} "$nw_h" "$nw_s"', self.limit_s),
            "}",
            "nw_work() { nw_n=$1",
            f"while [ $nw_n -lt {len(requests)} ] && kill -0 $$ 2>/dev/null; do",
            f'nw_look $nw_n; echo "@@{self.nonce} begin $nw_n"',
            *(["nw_c=$(nw_call | $nw_clean)", 'nw_say "$nw_c"', self.after] if self.after else ["nw_call"]),
            f'echo; echo "@@{self.nonce} end $nw_n 0"',
            f"nw_n=$((nw_n+{workers})); done; }}",
            "nw_say() { printf '%s\\n' \"$1\"; }",
            'if [ "$(print -r -- x 2>/dev/null)" = x ]; then nw_say() { print -r -- "$1"; }; fi',
            'nw_held() { nw_o=$(nw_work $1 </dev/null 2>&1 | $nw_clean); nw_say "$nw_o"; }',
            *([f'nw_own() {{ nw_o=$( ( {own}\n) </dev/null | $nw_clean); nw_say "$nw_o"; }}'] if own else []),
            _side_by_side([*(["nw_own"] if own else []), *(f"nw_held {worker}" for worker in range(workers))]),
        ]
        return "\n".join(lines) + "\n"


def _side_by_side(commands: list[str]) -> str:
    """All ``commands`` at once, their outputs one after the other: each waits in its pipe for those after it."""
    text = commands[-1]
    for command in reversed(commands[:-1]):
        text = f"{command} | {{ {text}\ncat; }}"
    return text


def _bounded(call: str, limit_s: int) -> str:
    """``call`` within its limit; on a passed one the last line says so."""
    return f"{limited(f'exec {call} 2>&1', limit_s)}\n[ $? -eq 143 ] && echo 'nimwrap: no answer within {limit_s} s'"


def _given(arguments: tuple[str, ...]) -> str:
    return f"set -- {shlex.join(arguments)}; " if arguments else ""


def _program(channel: str) -> str:
    return {"c_rsh": C_RSH, SELF: "/usr/bin/ksh -c"}.get(channel, _SSH)


def _client_script(channel: str, script: str) -> str:
    """``script`` as the client gets it: a subshell of its own, so that its ``exit`` does not hide the status line."""
    text = f"{PREAMBLE}( {script}\n) </dev/null 2>&1; {STATUS}; echo; echo nw_rc=$nw_rc"
    return _one_line(text) if channel == "c_rsh" else text


def _one_line(text: str) -> str:
    """``text`` without line ends: nothing public says that nimsh takes a command of several lines.

    Newline, backslash (which some shells' echo would read) and quote (which would double at each quoting) travel as
    three characters that ``text`` does not have; with fewer than three to spare it goes as it is.
    """
    spare = [char for char in _SPARE if char not in text][:3]
    if len(spare) < 3:
        return text
    packed = text.translate(str.maketrans("\n\\'", "".join(spare)))
    return f"LC_ALL=C; export LC_ALL; eval \"$(echo '{packed}' | tr '{''.join(spare)}' '\\012\\134\\047')\""
