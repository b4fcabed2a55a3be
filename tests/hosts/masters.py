"""A master made of this machine's shell and a c_rsh that the test writes; no estate needed."""

from __future__ import annotations

from pathlib import Path

from nimwrap.hosts.local import LocalHost
from nimwrap.hosts.piecewise import C_RSH


def executable(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def fake_master(tmp_path: Path, c_rsh: str, shell: str = "dash") -> LocalHost:
    """A host on which ``c_rsh`` (a script body; $1 is the client, $2 its command) stands at AIX's path."""
    tool = executable(tmp_path / "c_rsh", f"#!/bin/sh\n{c_rsh}\n")
    front = executable(
        tmp_path / "front",
        f"#!/bin/sh\nnw_script=$(printf '%s' \"$2\" | sed 's#{C_RSH}#{tool}#g')\nexec {shell} -c \"$nw_script\"\n",
    )
    return LocalHost("nim", str(front))
