"""Many small questions to one machine as one script, and their answers apart again.

Each question is shell text with a name. The script prints every answer between two marker lines that carry a
nonce, stdout and stderr merged, with the question's own exit status; a question with a limit is ended after it
(AIX has no ``timeout``), so that one hanging command, such as ``lsvg`` on a locked rootvg, costs only its own answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PREAMBLE = (
    "LC_ALL=C; export LC_ALL\n"
    "PATH=/usr/bin:/usr/sbin:/etc:/sbin:/bin; export PATH\n"
)
"""First lines of every script: untranslated messages, and tools found nowhere but in the system's own directories."""


@dataclass(frozen=True)
class Question:
    """``shell`` is complete, already quoted script text; ``limit_s`` in whole seconds, None to wait for ever."""

    name: str
    shell: str
    limit_s: int | None = None


@dataclass(frozen=True)
class Answer:
    """``returncode`` None: the question was ended by its limit, or the script died before it."""

    returncode: int | None
    output: str

    @property
    def ok(self) -> bool:
        return self.returncode == 0


def limited(shell: str, seconds: int) -> str:
    """``shell`` run so that it ends within ``seconds``; its status is 143 or 137 when it had to be ended.

    A loop of one-second sleeps and not one long one: nothing is left behind when the command is quicker.
    """
    return (
        f"( {shell}\n) </dev/null & nw_p=$!\n"
        f"( nw_i=0; while [ $nw_i -lt {seconds} ]; do sleep 1; kill -0 $nw_p 2>/dev/null || exit 0; "
        "nw_i=$((nw_i+1)); done; "
        'for nw_c in $(ps -ef | awk -v p=$nw_p \'$3==p{print $2}\'); do kill $nw_c; done; '
        "kill $nw_p; sleep 1; kill -9 $nw_p ) >/dev/null 2>&1 & nw_w=$!\n"
        "wait $nw_p; nw_rc=$?; kill $nw_w 2>/dev/null; (exit $nw_rc)"
    )


def questionnaire(questions: Iterable[Question], nonce: str) -> str:
    """The script that asks all ``questions`` in order. ``nonce`` keeps answers from being mistaken for markers."""
    parts = [PREAMBLE]
    for question in questions:
        shell = limited(question.shell, question.limit_s) if question.limit_s else f"( {question.shell}\n) </dev/null"
        parts.append(
            f"echo '@@{nonce} begin {question.name}'\n"
            f"{{ {shell}\n}} 2>&1\n"
            f"echo; echo '@@{nonce} end {question.name} '$?\n"
        )
    return "".join(parts)


def answers(text: str, nonce: str) -> dict[str, Answer]:
    """The answers by question name. One that has no end marker has returncode None; one never begun is absent."""
    begin = re.compile(rf"^@@{re.escape(nonce)} begin (\S+)\r?$", re.MULTILINE)
    found: dict[str, Answer] = {}
    starts = list(begin.finditer(text))
    for index, match in enumerate(starts):
        upto = starts[index + 1].start() if index + 1 < len(starts) else len(text)
        body = text[match.end() + 1 : upto]
        end = re.search(rf"\n?^@@{re.escape(nonce)} end {re.escape(match[1])} (\d+)\r?$", body, re.MULTILINE)
        if end is None:
            found[match[1]] = Answer(None, body)
        else:
            code = int(end[1])
            found[match[1]] = Answer(None if code in (137, 143) else code, body[: end.start()])
    return found
