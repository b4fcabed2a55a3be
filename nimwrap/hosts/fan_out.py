"""The script with which a master asks many clients at once, and finds out how each can be reached.

It makes no file on the master: nothing to clean up, and nothing that can be full.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from nimwrap.hosts.channel_route import AUTO, BY_C_RSH, BY_SSH, MUTE, NARROW, SELF, piece_bytes, way_of
from nimwrap.hosts.command import NOT_FOR_CSH
from nimwrap.hosts.packed_script import packed
from nimwrap.hosts.piecewise import ANSWERED, C_RSH, CLEAN, SAY, bounded, functions
from nimwrap.hosts.script_batch import PREAMBLE, STATUS

_SSH = "ssh -n -o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking=yes"
_FINDING_OUT = (BY_C_RSH, AUTO)


class Asked(Protocol):
    """What is to be run on one client."""

    @property
    def host(self) -> str: ...
    @property
    def script(self) -> str: ...
    @property
    def arguments(self) -> tuple[str, ...]: ...
    @property
    def route(self) -> str: ...


@dataclass(frozen=True)
class FanOut:
    """``channel`` is the configuration's word, or a route; ``after`` as in client_channel.ask_clients."""

    channel: str
    parallel: int
    limit_s: int
    nonce: str
    after: str = ""

    @property
    def finds_out(self) -> bool:
        """Whether another way is looked for where the first one does not answer."""
        return way_of(self.channel) in _FINDING_OUT

    @property
    def usual(self) -> str:
        """The route of an answer that says nothing else."""
        return BY_C_RSH if self.finds_out else self.channel

    def script(self, requests: Sequence[Asked], own: str = "") -> str:
        """Equal client scripts are sent once. Each of ``parallel`` workers asks every Nth client, beside ``own``.

        It holds their answers in a variable until it is done, so that a full pipe stops nobody.
        """
        texts: dict[str, int] = {}
        table = []
        for index, request in enumerate(requests):
            number = texts.setdefault(client_script(self.channel, request.script), len(texts))
            known = f" nw_r={shlex.quote(route)}" if (route := self._known(request)) else ""
            given = shlex.quote(_given(request.arguments))
            table.append(f"{index}) nw_h={shlex.quote(request.host)}{known} nw_s={given}$nw_t{number};;")
        workers = min(self.parallel, len(requests))
        lines = [
            f"{PREAMBLE}# ask {len(requests)} clients by {self.channel}",
            *(f"nw_t{number}={shlex.quote(text)}" for text, number in texts.items()),
            CLEAN,
            "nw_look() { case $1 in",
            *table,
            "esac; }",
            SAY,
            *(self._finding() if self.finds_out else []),
            "nw_call() {",
            bounded(f'{program(self.channel)} "$nw_h" "$nw_s"', self.limit_s),
            "}",
            "nw_work() { nw_n=$1",
            f"while [ $nw_n -lt {len(requests)} ] && kill -0 $$ 2>/dev/null; do",
            f'nw_r=; nw_look $nw_n; echo "@@{self.nonce} begin $nw_n"',
            *(["nw_reach", 'nw_say "$nw_c"'] if self.finds_out else ["nw_c=$(nw_call | $nw_clean)", 'nw_say "$nw_c"']),
            *(['[ -z "$nw_r" ] || echo "nw_route=$nw_r $nw_k"'] if self.finds_out else []),
            *([self.after] if self.after else []),
            f'echo; echo "@@{self.nonce} end $nw_n 0"',
            f"nw_n=$((nw_n+{workers})); done; }}",
            'nw_held() { nw_o=$(nw_work $1 </dev/null 2>&1 | $nw_clean); nw_say "$nw_o"; }',
            *([f'nw_own() {{ nw_o=$( ( {own}\n) </dev/null | $nw_clean); nw_say "$nw_o"; }}'] if own else []),
            _side_by_side([*(["nw_own"] if own else []), *(f"nw_held {worker}" for worker in range(workers))]),
        ]
        return "\n".join(lines) + "\n"

    def _known(self, request: Asked) -> str:
        """The way that is tried first, where it is another than the usual one, and allowed."""
        route = request.route or self.channel
        narrow = self.finds_out and piece_bytes(route) is not None and way_of(route) == BY_C_RSH
        by_ssh = self.channel == AUTO and request.route == "ssh"
        return route if narrow or by_ssh else ""

    def _finding(self) -> list[str]:
        """Functions: ``nw_reach`` sets ``nw_c`` to what the client said, ``nw_r`` to a route that is not the usual one.

        A client that answers nobody says 0042-006 or nothing in its time, and is left alone; any other is asked by
        ssh, where that is allowed, when c_rsh does not carry enough.
        """
        ssh = bounded(f'{_SSH} "$nw_h" "$nw_s"', self.limit_s)
        by_ssh = [
            "nw_ssh() {",
            ssh,
            "}",
            f"nw_by_ssh() {{ nw_k=$((nw_k+1)); nw_c=$(nw_ssh | $nw_clean); {ANSWERED}nw_r=ssh; return 0;; esac",
            "return 1; }",
        ]
        return [
            functions(self.limit_s, self.nonce),
            *(by_ssh if self.channel == AUTO else ["nw_by_ssh() { return 1; }"]),
            "nw_reach() { nw_k=0",
            "case $nw_r in c_rsh:*) nw_b=${nw_r#c_rsh:}; nw_deliver && return 0;;",
            "ssh) nw_by_ssh && return 0;; esac",
            f"nw_r= nw_k=$((nw_k+1)); nw_c=$(nw_call | $nw_clean); {ANSWERED}return 0;; esac",
            "nw_e=$nw_c",
            f"if nw_probe; then nw_r={NARROW}:0",
            f"if nw_measure; then nw_r={NARROW}:$nw_b; nw_deliver && {{ nw_r=c_rsh:$nw_b; return 0; }}; fi",
            'else case $nw_a in *0042-006*|*"nimwrap: no answer"*) nw_c=$nw_e; return 0;; esac',
            f"nw_r={MUTE}; fi",
            "nw_u=$nw_r; nw_by_ssh && return 0",
            "nw_r=$nw_u nw_c=$nw_e; }",
        ]


def client_script(channel: str, script: str) -> str:
    """``script`` as the client gets it: a subshell of its own, so that its ``exit`` does not hide the status line."""
    text = f"{PREAMBLE}( {script}\n) </dev/null 2>&1; {STATUS}; echo; echo nw_rc=$nw_rc"
    if way_of(channel) in _FINDING_OUT:
        return packed(text)
    return f"{NOT_FOR_CSH}\n{text}" if way_of(channel) == BY_SSH else text


def program(channel: str) -> str:
    """What is called on the master, before the host and the script."""
    return {BY_C_RSH: C_RSH, AUTO: C_RSH, SELF: "/usr/bin/ksh -c"}.get(way_of(channel), _SSH)


def _side_by_side(commands: list[str]) -> str:
    """All ``commands`` at once, their outputs one after the other: each waits in its pipe for those after it."""
    text = commands[-1]
    for command in reversed(commands[:-1]):
        text = f"{command} | {{ {text}\ncat; }}"
    return text


def _given(arguments: tuple[str, ...]) -> str:
    return f"set -- {shlex.join(arguments)}; " if arguments else ""
