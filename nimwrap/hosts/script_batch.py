"""Many small questions to one machine as one script, and their answers apart again.

Each question is shell text with a name. The script prints every answer between two marker lines that carry a
nonce, stdout and stderr merged, with the question's own exit status; a question with a limit is ended after it
(AIX has no ``timeout``), so that one hanging command, such as ``lsvg`` on a locked rootvg, costs only its own answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nimwrap.hosts.three_valued import ThreeValued

_MARKED = re.compile(r"(begin|end) (\S+)(?: (\d+))?\r?(?:\n|\Z)")

PREAMBLE = (
    "LC_ALL=C; export LC_ALL\nCOLUMNS=2000; export COLUMNS\nPATH=/usr/bin:/usr/sbin:/etc:/sbin:/bin; export PATH\n"
)
"""First lines of every script: untranslated messages, lines that ps does not cut, and tools found nowhere but
in the system's own directories."""

CLOCK = "date -u +%Y%m%d%H%M%S"
"""A machine's clock as 14 digits in UTC; POSIX date has no epoch seconds."""

ENDED = frozenset({137, 143})
"""Statuses that :func:`limited` and a killed question end with: no answer that could be trusted."""

STATUS = "nw_rc=$?; [ $nw_rc -gt 255 ] && nw_rc=$((nw_rc-128))"
"""Shell text that keeps the last status in ``nw_rc``; ksh93 counts signals from 256 where the others take 128."""


@dataclass(frozen=True)
class Question:
    """``shell`` is complete, already quoted script text; ``limit_s`` in whole seconds, None to wait for ever."""

    name: str
    shell: str
    limit_s: int | None = None


@dataclass(frozen=True)
class Answer(ThreeValued):
    """``returncode`` None: the question was ended by its limit, or the script died before it."""

    returncode: int | None
    output: str


def process_tree(pid: str) -> str:
    """Shell text that prints process ``pid`` (a number or ``$name``) and all its descendants, parents first."""
    return (
        f'ps -ef | awk -v r={pid} \'{{k[$3]=k[$3] " " $2}} '
        'END{n=1; q[1]=r; for(i=1;i<=n;i++){print q[i]; m=split(k[q[i]],a," "); for(j=1;j<=m;j++)q[++n]=a[j]}}\''
    )


def limited(shell: str, seconds: int) -> str:
    """``shell`` with empty input, ended after ``seconds`` if need be; its status is 143 then.

    A second process watches. It looks every second whether there is still something to watch, so it never signals
    a number that belongs to somebody else by now. Told to go it goes at once, since it waits for its ``sleep`` in the
    background (mksh and posh would first let a foreground one end); that lasts a second at most and holds nothing open.
    The whole tree is ended, parents first: a shell that outlives its child would write "Terminated" into the answer.
    """
    return (
        f"( {shell}\n) </dev/null & nw_p=$!\n"
        "( nw_i=0\n"
        f"while [ $nw_i -lt {seconds} ]; do sleep 1 & wait $!; kill -0 $nw_p || exit 0\n"
        "nw_i=$((nw_i+1)); done\n"
        f"trap '' 15; nw_t=$({process_tree('$nw_p')}); kill $nw_t; sleep 1; kill -9 $nw_t; exit 97\n"
        ") </dev/null >/dev/null 2>&1 & nw_w=$!\n"
        f"{{ wait $nw_p; {STATUS}; kill $nw_w; wait $nw_w; }} 2>/dev/null\n"
        "[ $? -eq 97 ] && nw_rc=143; (exit $nw_rc)"
    )


def questionnaire(questions: Iterable[Question], nonce: str) -> str:
    """The script that asks all ``questions`` in order. ``nonce`` keeps answers from being mistaken for markers."""
    parts = [PREAMBLE]
    for question in questions:
        shell = limited(question.shell, question.limit_s) if question.limit_s else f"( {question.shell}\n) </dev/null"
        parts.append(
            f"echo '@@{nonce} begin {question.name}'\n"
            f"{{ {shell}\n}} 2>&1\n"
            f'{STATUS}; echo; echo "@@{nonce} end {question.name} $nw_rc"\n'
        )
    return "".join(parts)


def answers(text: str, nonce: str) -> dict[str, Answer]:
    """The answers by question name. One that has no end marker has returncode None; one never begun is absent."""
    found: dict[str, Answer] = {}
    name, since = "", -1
    for start, mark in _marks(text, f"@@{nonce} "):
        if mark[1] == "begin" and mark[3] is None and mark[0].endswith("\n"):
            if since >= 0:
                found[name] = Answer(None, text[since:start])
            name, since = mark[2], mark.end()
        elif mark[1] == "end" and mark[3] and mark[2] == name and since >= 0:
            code = int(mark[3])
            said = text[since:start].removesuffix("\n").removesuffix("\r")
            found[name] = Answer(None if code in ENDED else code, said)
            since = -1
    if since >= 0:
        found[name] = Answer(None, text[since:])
    return found


def _marks(text: str, mark: str) -> Iterator[tuple[int, re.Match[str]]]:
    """Where a ``mark`` begins a line, and what follows it; by plain search, since listings may be long."""
    at = text.find(mark)
    while at >= 0:
        if (at == 0 or text[at - 1] == "\n") and (match := _MARKED.match(text, at + len(mark))):
            yield at, match
        at = text.find(mark, at + 1)
