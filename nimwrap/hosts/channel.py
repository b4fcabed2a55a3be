"""From a NIM master to its clients: one script on the master asks many of them at once (aix-nim section 5.1).

``c_rsh`` is NIM's own way and needs no keys; its exit status is not the remote one and it may hang, so every call
is bounded and the script itself reports its status as the last line, ``nw_rc=N``. ``ssh`` is the other way.
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
from nimwrap.hosts.command import LINE_LIMIT
from nimwrap.hosts.protocol import CommandResult, Host
from nimwrap.hosts.questions import PREAMBLE, STATUS, answers, limited, process_tree

C_RSH = "/usr/lpp/bos.sysmgt/nim/methods/c_rsh"
_SSH = "ssh -n -o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking=yes"
_RC = re.compile(r"(\r?\n)?^nw_rc=(\d+)\r?\n?", re.MULTILINE)
_SCRIPT_LIMIT = LINE_LIMIT - 1000  # the transport adds its marks
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
class ChannelAnswer:
    """``reached`` False: the channel failed and ``output`` says how; else ``returncode`` is the script's own."""

    reached: bool
    returncode: int | None
    output: str

    @property
    def ok(self) -> bool:
        return self.reached and self.returncode == 0


def client_command(channel: str, client_host: str, script: str, limit_s: int) -> str:
    """Shell text for the master: runs ``script`` on the client within ``limit_s`` seconds.

    It prints the client's merged output and, last, ``nw_rc=N``; without that line the channel failed and the output
    says why. Its status on the master means nothing. Raises NimwrapError ``name_invalid`` for a host that may not
    reach a shell.
    """
    if not (is_host_name(client_host) or is_address(client_host)):
        raise NimwrapError(
            f"{client_host[:80]!r} is not a host name", code="name_invalid", exit_code=ExitCode.REFUSED
        )
    call = shlex.join([*_program(channel).split(), client_host, _client_script(channel, script)])
    return f"{limited(f'{call} 2>&1', limit_s)}\n[ $? -eq 143 ] && echo {shlex.quote(_silence(limit_s))}"


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
    spool: str,
    parallel: int = 16,
    limit_s: int = 60,
) -> dict[str, ChannelAnswer]:
    """Run every request on its client, ``parallel`` at once, by one script on master ``host``; one answer for each.

    A client that hangs costs its own ``limit_s`` seconds and holds up only the worker that asked it. Answers wait in
    files under ``spool`` (or /tmp while there is no spool), which the script removes. Raises what ``host.run``
    raises, and NimwrapError ``unknown`` when the master cannot keep the answers anywhere.
    """
    nonce = secrets.token_hex(6)
    valid = [name for name, asked in requests.items() if is_host_name(asked.host) or is_address(asked.host)]
    found = {
        name: ChannelAnswer(False, None, f"not asked: {requests[name].host[:80]!r} is not a host name")
        for name in requests.keys() - set(valid)
    }
    fan = _FanOut(channel, spool, parallel, limit_s, nonce)
    for names in _chunks(valid, requests, fan):
        rounds = -(-len(names) // parallel)
        result = host.run(fan.script([requests[name] for name in names]), timeout=rounds * (limit_s + 3) + 60)
        said = answers(result.stdout, nonce)
        for index, name in enumerate(names):
            answer = said.get(str(index))
            found[name] = parse_channel(answer.output) if answer else _unanswered(result)
    return {name: found[name] for name in requests}


def _chunks(names: list[str], requests: Mapping[str, ClientRequest], fan: _FanOut) -> Iterator[list[str]]:
    """``names`` in parts whose script fits into a command line; a single one may be larger."""
    if len(names) < 2 or len(fan.script([requests[name] for name in names]).encode()) < _SCRIPT_LIMIT:
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
            hint="check that the spool or /tmp on the master can be written",
        )
    return ChannelAnswer(False, None, "the connection to the master was lost before the client's answer came")


@dataclass(frozen=True)
class _FanOut:
    """Builds the script for the master."""

    channel: str
    spool: str
    parallel: int
    limit_s: int
    nonce: str

    def script(self, requests: list[ClientRequest]) -> str:
        """Equal client scripts are sent once.

        Workers take the next client by creating its file under noclobber: a shell built-in, so that nothing is
        forked for it. Each writes into its own file, and one ``cat`` prints them all.
        """
        texts: dict[str, int] = {}
        table = []
        for index, request in enumerate(requests):
            number = texts.setdefault(_client_script(self.channel, request.script), len(texts))
            given = shlex.quote(_given(request.arguments))
            table.append(f"{index}) nw_h={shlex.quote(request.host)} nw_s={given}$nw_t{number};;")
        lines = [
            PREAMBLE + "umask 077",
            *self._directory(),
            *(f"nw_t{number}={shlex.quote(text)}" for text, number in texts.items()),
            "nw_look() { case $1 in",
            *table,
            "esac; }",
            *self._workers(len(requests)),
        ]
        return "\n".join(lines) + "\n"

    def _directory(self) -> list[str]:
        spool = shlex.quote(self.spool)
        return [
            f"find {spool}/ask.* -prune -type d -mtime +1 -exec rm -rf {{}} \\; 2>/dev/null",
            f"nw_d={spool}/ask.{self.nonce}",
            f'mkdir "$nw_d" 2>/dev/null || {{ nw_d=/tmp/nimwrap-ask.{self.nonce}; mkdir "$nw_d" || exit 73; }}',
            "trap 'rm -rf \"$nw_d\"' 0; trap 'exit 1' 1 2 13 15",
        ]

    def _workers(self, count: int) -> list[str]:
        """Each worker asks every Nth client, then those that are still left: a hang delays no other client."""
        workers = min(self.parallel, count)
        return [
            f"nw_work() {{ set -o noclobber; nw_n=$1; nw_j={workers}",
            "while kill -0 $$ 2>/dev/null; do",
            f"if [ $nw_n -ge {count} ]; then [ $nw_j -eq 1 ] && break; nw_n=0; nw_j=1; fi",
            'if [ ! -f "$nw_d/c.$nw_n" ] && { [ x ] >"$nw_d/c.$nw_n"; } 2>/dev/null; then',
            f'nw_look $nw_n; echo "@@{self.nonce} begin $nw_n"',
            f'{_program(self.channel)} "$nw_h" "$nw_s" </dev/null 2>&1 & nw_p=$!',
            'echo $nw_p $nw_n >|"$nw_d/p.$1"; { wait $nw_p; } 2>/dev/null',
            f'[ -f "$nw_d/t.$nw_n" ] && echo {shlex.quote(_silence(self.limit_s))}',
            f'echo; echo "@@{self.nonce} end $nw_n 0"',
            "fi; nw_n=$((nw_n+nw_j)); done; }",
            *self._watch(workers),
            f"nw_l=; nw_k=0; while [ $nw_k -lt {workers} ]; do",
            '( trap - 0; nw_work $nw_k ) </dev/null >"$nw_d/w.$nw_k" 2>&1 & nw_l="$nw_l $!"; nw_k=$((nw_k+1)); done',
            "( trap - 0; nw_watch ) </dev/null >/dev/null 2>&1 & nw_w=$!",
            '{ wait $nw_l; kill $nw_w; wait $nw_w; } 2>/dev/null; cat "$nw_d"/w.*',
        ]

    def _watch(self, workers: int) -> list[str]:
        """One process looks every second at what each worker waits for: nothing is forked per call.

        What is too old is marked and ended with all its descendants, and what ignores that is killed a second
        later. When the script itself is gone, the watch ends with the last limit.
        """
        return [
            "nw_watch() { trap 'kill $nw_s; exit 0' 15; nw_i=0",
            f"while [ $nw_i -le {self.limit_s + 2} ]; do sleep 1 & nw_s=$!; wait $nw_s",
            "kill -0 $$ || nw_i=$((nw_i+1))",
            f"nw_k=0; while [ $nw_k -lt {workers} ]; do",
            'nw_q=; read nw_q <"$nw_d/p.$nw_k"',
            'eval "nw_o=\\$nw_o$nw_k nw_a=\\$nw_a$nw_k nw_t=\\$nw_t_$nw_k"',
            '[ -n "$nw_t" ] && { kill -9 $nw_t; nw_t=; }',
            'if [ -n "$nw_q" ] && [ "$nw_q" = "$nw_o" ]; then nw_a=$((nw_a+1)); else nw_a=0; fi',
            f'if [ $nw_a -eq {self.limit_s} ]; then nw_p=${{nw_q% *}}',
            f'kill -0 $nw_p && {{ [ x ] >"$nw_d/t.${{nw_q#* }}"; nw_t=$({process_tree("$nw_p")}); kill $nw_t; }}; fi',
            'eval "nw_o$nw_k=\\$nw_q nw_a$nw_k=\\$nw_a nw_t_$nw_k=\\$nw_t"',
            "nw_k=$((nw_k+1)); done; done; }",
        ]


def _given(arguments: tuple[str, ...]) -> str:
    return f"set -- {shlex.join(arguments)}; " if arguments else ""


def _program(channel: str) -> str:
    return C_RSH if channel == "c_rsh" else _SSH


def _silence(limit_s: int) -> str:
    return f"nimwrap: no answer within {limit_s} s"


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
