"""How the master resolves names and addresses: it is the master's resolver that decides whom an export lets in."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nimwrap.aix import host, ifconfig, ps
from nimwrap.domain.names import is_host_name
from nimwrap.hosts.script_batch import PREAMBLE, Answer, Question, limited
from nimwrap.preflight.facts import Fact, Missing, absent, read

AT_ONCE = 16
LIMIT_S = 20
INTERFACES = Question("nw_interfaces", shlex.join(ifconfig.argv()))
PROCESSES = Question("nw_processes", shlex.join(ps.argv()))


@dataclass(frozen=True)
class Names:
    """Answers by question: names and addresses as they were asked, and the names that addresses led to.

    ``interfaces`` and ``processes`` are the master's own, where they were asked for as well.
    """

    found: Mapping[str, Fact[host.HostAnswer]] = field(default_factory=dict)
    interfaces: Fact[list[ifconfig.Interface]] = field(default_factory=lambda: absent(Missing.NOT_ASKED, "`ifconfig`"))
    processes: Fact[list[ps.Process]] = field(default_factory=lambda: absent(Missing.NOT_ASKED, "`ps`"))

    def of(self, asked: str) -> Fact[host.HostAnswer]:
        return self.found.get(asked, absent(Missing.UNANSWERED, f"`host {asked}`"))

    def name_of(self, address: str) -> str | None:
        """The name that an address leads to, if it is one that may be asked for in its turn."""
        answer = self.of(address).value
        return answer.name if answer and is_host_name(answer.name) else None

    def unknown(self, asked: str) -> bool:
        """True when the resolver said that there is nothing of that name or address."""
        fact = self.of(asked)
        return fact.value is None and host.not_found(fact.raw)


def names_script(asked: Sequence[str], nonce: str, also: Sequence[Question] = ()) -> str:
    """Ask for each name or address of ``asked``, plain words, many at once.

    Each answer is written in one piece, so that those running at the same time do not mix; what has not come of
    AT_ONCE answers after LIMIT_S seconds is given up. ``also`` is asked first.
    """
    calls = [f"nw_ask {one}" for one in asked]
    waves = [calls[start : start + AT_ONCE] for start in range(0, len(calls), AT_ONCE)]
    first = "".join(f"nw_o=$({question.shell} 2>&1); nw_r=$?; nw_say {question.name}\n" for question in also)
    return (
        f"{PREAMBLE}nw_say() {{ {_said(nonce, 'echo')}; }}\n"
        'nw_ask() { nw_o=$(host "$1" 2>&1); nw_r=$?; nw_say "$1"; }\n'
        f"{first}" + "".join(limited(f"{' & '.join(wave)} & wait", LIMIT_S) + "\n" for wave in waves)
    )


def names_after(nonce: str, *, fleet: bool) -> str:
    """Shell text for the master, after a client has answered: its name, the address it named, and where that leads.

    ``$nw_h`` is the client's host name and ``$nw_c`` what it said. Asking here lets these questions run while other
    clients are still busy with theirs; what the shell cannot read off an answer in another shape is asked later. Of a
    ``fleet``, a name that the address leads back to is not asked by itself: a backup looks at its client alone and asks
    both.
    """
    confirmed = f'[ "$nw_q" = "$nw_h" ] && {{ {_said(nonce, "nw_say", "$nw_h")}; exit; }}\n' if fleet else ""
    beside = "" if fleet else 'nw_host "$nw_h" &\n'
    after = 'nw_host "$nw_h"' if fleet else "wait"
    lookup = (
        f'{beside}nw_q=; [ -z "$nw_a" ] || {{ nw_host "$nw_a"; nw_q=${{nw_o%%" is "*}}; }}\n'
        f"{confirmed}{after}\n"
        'case $nw_q in "$nw_h"|""|-*|*[!A-Za-z0-9._-]*) ;; *) nw_host "$nw_q";; esac'
    )
    return (
        f'nw_host() {{ nw_o=$(host "$1" 2>&1); nw_r=$?\n{_said(nonce, "nw_say")}; }}\n'
        "nw_a=${nw_c#*nw_perl\n}; nw_a=${nw_a%%\n*}\n"
        'case $nw_a in ""|*[!0-9.]*) nw_a=;; esac\n'
        f"case $nw_c in *nw_rc=*)\n{limited(lookup, LIMIT_S)};; esac"
    )


def _said(nonce: str, printer: str, asked: str = "$1") -> str:
    """Prints the answer to ``asked``, ``$nw_o`` with status ``$nw_r``, in one piece."""
    return f'{printer} "\n@@{nonce} begin {asked}\n$nw_o\n\n@@{nonce} end {asked} $nw_r"'


def read_names(answers: Mapping[str, Answer]) -> Names:
    """The answers; one that says "no such host" is a fact without a value whose raw text tells so."""
    asked = answers.keys() - {INTERFACES.name, PROCESSES.name}
    return Names(
        {name: read(answers, name, f"host {name}", host.parse) for name in asked},
        read(answers, INTERFACES.name, "ifconfig -a", ifconfig.parse),
        read(answers, PROCESSES.name, "ps -ef", ps.parse),
    )
