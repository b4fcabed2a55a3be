"""What the names of commands, scripts and their arguments say about images."""

from __future__ import annotations

import re

_MENTIONS = re.compile(
    r"mksysb|savevg|backupios|viosbr|viosbackup|mknimimage|sys_?back|sysimg|m_backup_db|nim[-_]?\w*backup"
    r"|nimclient|(?<![A-Za-z0-9])(ls)?nim(?![A-Za-z0-9])",
    re.IGNORECASE,
)
SCRIPT = re.compile(r"[\w-]*(mksysb|nim[-_]?backup|sys_?back|sysimg)[\w-]*", re.IGNORECASE)
"""Scripts that make images of the clients they are given (reference peers section 4)."""

OTHER_DEED = re.compile(
    r"(?:^|[-_])(?:alert|arch|audit|check|chk|clean|comp|copy|cp|del|diff|expire|list|ls|mail|monitor|mount|move|mv|prune"
    r"|purge|remove|report|restore|rm|rotate|rpt|send|ship|show|stat|sync|test|transfer|tsm|umount|verify)",
    re.IGNORECASE,
)
"""Parts of a script's name by which it may do something else with images."""

NO_CLIENTS = frozenset(
    {
        "all",
        "any",
        "backup",
        "client",
        "clients",
        "daily",
        "every",
        "full",
        "group",
        "help",
        "keep",
        "list",
        "mksysb",
        "monthly",
        "name",
        "no",
        "none",
        "now",
        "run",
        "start",
        "stop",
        "test",
        "today",
        "weekly",
        "yes",
    }
)
"""Arguments of scripts that are hardly the name of a client."""

TRIVIAL = frozenset({"cd", "umask", "set", "ulimit", ":", "true", ".", "source", "echo", "date", "sleep", "wait"})
"""Not worth a word in what is not carried over."""

TESTS = frozenset({"test", "[", "grep", "egrep", "fgrep", "expr", "ls", "lsnim", "find", "cat", "lsmksysb"})
"""Mostly run for their answer."""

HARMLESS = (
    TRIVIAL
    | TESTS
    | {
        "awk",
        "basename",
        "chgrp",
        "chmod",
        "chown",
        "cp",
        "cut",
        "df",
        "dirname",
        "du",
        "exportfs",
        "false",
        "file",
        "gzip",
        "head",
        "kill",
        "logger",
        "lsfs",
        "mail",
        "mailx",
        "mkdir",
        "mount",
        "mv",
        "print",
        "printf",
        "ps",
        "rm",
        "rmdir",
        "sed",
        "sendmail",
        "sort",
        "sum",
        "tail",
        "tee",
        "touch",
        "tr",
        "umount",
        "uname",
        "uniq",
        "wc",
        "zip",
    }
)
"""Make no image, whatever their arguments say."""

LEAVE = frozenset({"exit", "return", "break", "continue"})
BARE = frozenset({"nohup", "exec", "time", "command", "caffeinate"})
"""Run the command behind them."""

SHELLS = frozenset({"sh", "ksh", "ksh93", "bash", "rksh"})

ELSEWHERE = {
    "mknimimage": "xCAT's mknimimage takes its attributes from xCAT's tables; name the node in targets",
    "backupios": 'it backs up a VIOS from inside; nimwrap does so with kinds = ["ios_mksysb"]',
    "ioscli": 'it backs up a VIOS from inside; nimwrap does so with kinds = ["ios_mksysb"]',
    "viosbr": 'it backs up a VIOS from inside; nimwrap does so with kinds = ["ios_backup"]',
    "viosbackup": 'it backs up a VIOS from inside; nimwrap does so with kinds = ["ios_mksysb"]',
    "m_backup_db": 'it saves the NIM database; nimwrap does so with kinds = ["nim_db"]',
    "savevg": 'it saves a volume group from inside the client; nimwrap does so with kinds = ["savevg"]',
    "smit": "smit asks questions, which cron cannot answer",
    "smitty": "smit asks questions, which cron cannot answer",
    "ansible-playbook": "what the playbook does is not in the crontab",
}
"""Commands that have to do with images and are not read, with what a person should know."""


def mentions_backup(command: str) -> bool:
    """True for a command that has to do with NIM or system images, understood or not."""
    return _MENTIONS.search(command) is not None
