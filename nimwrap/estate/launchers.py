"""The texts of an estate's executables: what lies at an AIX path and starts the simulated command, tool or shell."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

from nimwrap.estate import asking_programs
from nimwrap.estate.process import shell_path
from nimwrap.estate.spec import Spec

_COMMAND = """#!/bin/sh
''''exec {python} -SEs "$0" "$@" # '''
import sys
sys.path.insert(0, {code!r})
from nimwrap.estate.run import main
main({module!r}, {path!r})
"""
_SHELL = """#!/bin/sh
''''exec {python} -SEs "$0" "$@" # '''
import sys
sys.path.insert(0, {code!r})
from nimwrap.estate.shell import main
main(sys.argv[0])
"""
_LOGGED_TOOL = """#!/bin/sh
root=${{0%/bin/*}}; root=${{root%/usr}}; at=$(date +%s)
{{ printf '%s\\037%s\\037change\\037{tool}' "${{root##*/}}" "$at"; printf '\\037%s' "$@"; printf '\\036'; }} \\
  >>"${{root%/hosts/*}}/state/commands.log" 2>/dev/null
exec {real} "$@"
"""
_KSH = """#!/bin/sh
case $1 in */nw.*/*) {python} -SEs -c 'import sys
sys.path.insert(0, sys.argv[3])
from nimwrap.estate.script_file import settle
settle(sys.argv[1], sys.argv[2])' "$0" "$1" {code};; esac
exec {real} "$@"
"""
_PLAIN = (
    "import sys; del sys.argv[0]; sys.path.insert(0, {code!r}); "
    "from nimwrap.estate.run import main; main({module!r}, {path!r})"
)
_PLAIN_SHELL = (
    "import sys; del sys.argv[0]; sys.path.insert(0, {code!r}); "
    "from nimwrap.estate.shell import main; main(sys.argv[0])"
)
_READING = {
    *("cllsif", "clmgr", "clrginfo", "df", "exportfs", "getconf", "halevel", "host"),
    *("id", "ifconfig", "lsattr", "lsfs", "lslpp", "lsmksysb", "lsnim", "lspv", "lssrc"),
    *("lsvg", "mount", "netstat", "oslevel", "perl", "ps", "showmount", "traceroute", "uname"),
}
"""Modules whose commands the server may run: they only read, or it sends back the calls that do more."""


def command(spec: Spec, module: str, path: str) -> str:
    """The executable at the AIX path ``path``: a process that loads the module, or asks the server where one is."""
    perl = real_tool("perl")
    if not spec.server or spec.real_root or not perl or module not in _READING:
        return plain_command(spec, module, path)
    plain = _PLAIN.format(code=spec.code, module=module, path=path)
    return asking_programs.COMMAND.format(
        perl=perl, server=spec.server, module=module, path=path, python=spec.python, plain=plain
    )


def plain_command(spec: Spec, module: str, path: str) -> str:
    """The executable that needs no server."""
    return _COMMAND.format(module=module, path=path, python=spec.python, code=spec.code)


def shell(spec: Spec) -> str:
    """The program that runs scripts on a host: one that loads the estate's shell, or asks the server to be quicker."""
    perl = real_tool("perl")
    if not spec.server or not perl:
        return _SHELL.format(python=spec.python, code=spec.code)
    plain = _PLAIN_SHELL.format(code=spec.code)
    return asking_programs.SHELL.format(perl=perl, server=spec.server, python=spec.python, plain=plain)


def logged_tool(tool: str, real: str) -> str:
    """A POSIX tool whose calls stand in the command log."""
    return _LOGGED_TOOL.format(tool=tool, real=real)


def ksh(spec: Spec) -> str:
    """/usr/bin/ksh, which takes up scripts that arrived in pieces."""
    return _KSH.format(real=spec.ksh or shell_path(), python=spec.python, code=spec.code)


@cache
def real_tool(name: str) -> str | None:
    """The build machine's own tool of this name."""
    return shutil.which(name, path="/usr/bin:/bin:/usr/sbin:/sbin:/usr/local/bin")


def completed(spec: Spec) -> Spec:
    """With this interpreter, this code and the server that the environment names where none are given."""
    return replace(
        spec,
        python=spec.python or os.path.realpath(sys.executable),
        code=spec.code or str(Path(__file__).resolve().parents[2]),
        server=spec.server or os.environ.get("ESTATE_SERVER", ""),
    )
