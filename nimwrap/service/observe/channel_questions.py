"""What a channel carries and what becomes of a job that it starts: one question a call, so that each is answered alone.

No public source tells any of it (aix-audit, sections 3 and 4). They are asked on the master, about one client.
"""

from __future__ import annotations

import shlex

from nimwrap.hosts.channel_route import BY_SSH
from nimwrap.hosts.fan_out import program
from nimwrap.hosts.script_batch import Question

_LIMIT_S = 30
_LENGTHS = (128, 256, 512, 1024, 2048, 4096, 8192)
_TEXTS = {
    "plain": "echo one two",
    "double-quotes": 'echo "a  b"',
    "quotes": "echo 'a  b'",
    "dollar": "echo $HOME",
    "substitution": "echo $(echo e)",
    "backslash": r"echo a\\b",
    "pipe": "echo one | tr o 0",
    "semicolon": "echo one; echo two",
    "and": "echo one && echo two",
    "output": "echo one > /dev/null; echo two",
    "input": "cat < /dev/null; echo two",
    "parentheses": "( echo one )",
    "braces": "{ echo one; }",
    "two-lines": "echo one\necho two",
    "both-streams": "echo out; echo err >&2",
    "status": "exit 3",
    "environment": "umask; ulimit -f; echo $PATH; echo $0; ps -o pid= -o pgid= -p $$",
    "ksh": "what /usr/bin/ksh 2>/dev/null | head -n 3; ksh -c 'x=abc; echo ${#x} $((1+1))'",
    "awk": "echo y | awk 'BEGIN { ARGC = 1 } { print }' 1 x",
    "job-started": "nohup ksh -c 'sleep 21' < /dev/null > /dev/null 2>&1 & echo started $!",
    "job-two-seconds-later": "sleep 2; ps -ef | grep '[s]leep 21'",
    "job-in-its-own-session": "perl -MPOSIX -e 'exit if fork; POSIX::setsid(); exec qw(sleep 22)'"
    " < /dev/null > /dev/null 2>&1; echo started",
    "session-two-seconds-later": "sleep 2; ps -ef | grep '[s]leep 22'",
}


def channel_questions(channel: str, host: str) -> list[Question]:
    """For the master, about the client that it calls ``host``; all that stays there is a sleep of 22 seconds."""
    call = f"{program(BY_SSH if channel == BY_SSH else channel)} {shlex.quote(host)}"
    lengths = {f"length-{size}": f"echo {'x' * (size - 5)}" for size in _LENGTHS}
    asked = [
        Question(f"channel-{name}", f"{call} {shlex.quote(text)} 2>&1 | wc -c", _LIMIT_S)
        for name, text in lengths.items()
    ]
    return asked + [
        Question(f"channel-{name}", f"{call} {shlex.quote(text)}; echo rc=$?", _LIMIT_S)
        for name, text in _TEXTS.items()
    ]
