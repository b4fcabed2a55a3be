"""How the master resolves names and addresses: it is the master's resolver that decides whom an export lets in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nimwrap.aix import host
from nimwrap.hosts.questions import PREAMBLE, Answer, limited
from nimwrap.preflight.facts import Fact, read

AT_ONCE = 16
_LIMIT_S = 20


@dataclass(frozen=True)
class Names:
    """Answers by question: names and addresses as they were asked, and the names that addresses led to."""

    found: Mapping[str, Fact[host.HostAnswer]]

    def of(self, asked: str) -> Fact[host.HostAnswer]:
        return self.found.get(asked, Fact(missing=f"`host {asked}` was not answered"))

    def unknown(self, asked: str) -> bool:
        """True when the resolver said that there is nothing of that name or address."""
        fact = self.of(asked)
        return fact.value is None and host.not_found(fact.raw)


def names_script(names: Iterable[str], addresses: Iterable[str], nonce: str) -> str:
    """Ask for each name, for each address, and again for each name that an address leads to, many at once.

    All are plain words already (checked by the caller); a name that comes back from the resolver is checked here.
    Each answer is written in one piece, so that those running at the same time do not mix.
    """
    one = limited('nw_o=$(host "$1" 2>&1); nw_r=$?; nw_say "$1"; [ "$2" = name ] || nw_again', _LIMIT_S)
    calls = [f"nw_ask {name} name" for name in dict.fromkeys(names)]
    calls += [f"nw_ask {address} address" for address in dict.fromkeys(addresses)]
    waves = [calls[start : start + AT_ONCE] for start in range(0, len(calls), AT_ONCE)]
    return (
        f'{PREAMBLE}nw_say() {{ echo "@@{nonce} begin $1\n$nw_o\n\n@@{nonce} end $1 $nw_r"; }}\n'
        'nw_again() { nw_n=$(echo "$nw_o" | awk \'$2=="is"{print $1;exit}\')\n'
        'case $nw_n in ""|-*|*[!A-Za-z0-9._-]*) return;; esac\n'
        'nw_o=$(host "$nw_n" 2>&1); nw_r=$?; nw_say "$nw_n"; }\n'
        f"nw_ask() {{\n{one}\n}}\n" + "".join(f"{' & '.join(wave)} &\nwait\n" for wave in waves)
    )


def read_names(answers: Mapping[str, Answer]) -> Names:
    """The answers; one that says "no such host" is a fact without a value whose raw text tells so."""
    return Names({name: read(answers, name, f"host {name}", host.parse) for name in answers})
