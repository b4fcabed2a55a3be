"""A questionnaire that asks its slow questions at the same time, in text short enough for a client channel."""

from __future__ import annotations

from collections.abc import Sequence

from nimwrap.hosts.script_batch import PREAMBLE, STATUS, Question, limited


def asked_together(quick: Sequence[Question], slow: Sequence[Question], nonce: str, limit_s: int) -> str:
    """The script that asks ``quick`` one after the other, then all of ``slow`` at once, each for at most ``limit_s``.

    :func:`nimwrap.hosts.script_batch.answers` reads its output. The slow ones take as long as the slowest of them, and
    no file: each one's output waits in a pipe until the others have printed theirs, so answers never mix. Limits of
    the questions themselves are not looked at.
    """
    # The status is taken inside what may be ended: one that is ended prints no end mark, and nothing hangs on `wait`,
    # whose status ksh93 now and then loses for a command that is gone at once.
    parts = [
        f"{PREAMBLE}nw_end() {{ ( $2 ) </dev/null; {STATUS}; echo; echo @@{nonce} end $1 $nw_rc; }}\n"
        f"nw_limited() {{\n{limited('nw_end $1 $2', limit_s)}\n}}\n"
        f"nw_ask() {{ echo; echo @@{nonce} begin $1\n"
        "if [ $3 = quick ]; then nw_end $1 $2; else nw_limited $1 $2; fi 2>&1; }\n"
    ]
    for number, question in enumerate(quick):
        parts.append(f"nw_q{number}() {{ {question.shell}\n}}\nnw_ask {question.name} nw_q{number} quick\n")
    beside = ""
    for number, question in enumerate(slow):
        parts.append(f"nw_s{number}() {{ {question.shell}\n}}\n")
        call = f"nw_ask {question.name} nw_s{number} slow"
        beside = f"{call} | {{ {beside}\ncat; }}" if beside else call
    return "".join([*parts, beside, "\n"])
