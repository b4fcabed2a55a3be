"""What each fault test found, kept in results.json, from which the table in docs/reliability.md is made.

A test confirms the row of its fault: it fails when the outcome is another one than the table says. With
NIMWRAP_RECORD_FAULTS=1 in the environment the row is written instead; then run ``python -m tests.faults``.
"""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
DOCUMENT = HERE.parents[1] / "docs/reliability.md"
BEGIN, END = "<!-- fault table: made by python -m tests.faults -->", "<!-- end of the fault table -->"
RECORDING = "NIMWRAP_RECORD_FAULTS"

FAULTS = {
    "nimsh-down": "nimsh of the client is down",
    "client-busy": "NIM says that the client is busy",
    "cpuid": "the client's cpuid is not the one NIM knows",
    "truncated": "nim returns 0 with a truncated image",
    "no-image": "nim returns 0 without an image",
    "wrong-host": "nim returns 0 with another host's image",
    "archive-warning": "0512-003: files were left out",
    "nim-hangs-after": "nim hangs after the image is complete",
    "nim-hangs-midway": "nim hangs in the middle",
    "disk-full": "the master's disk is full in the middle of the image",
    "nfs-stalls": "the NFS server stalls and does not come back within the timeout",
    "nfs-stalls-briefly": "the NFS server stalls and comes back",
    "write-denied": "the server lets the client in, but not root",
    "failover-in-preflight": "failover in the middle of the preflight",
    "failover-before-mount": "failover between preflight and mount",
    "failover-in-image": "failover in the middle of the image",
    "client-cut": "the client's network is cut and does not come back within the timeout",
    "client-cut-briefly": "the client's network is cut and comes back",
    "master-cut-briefly": "the master's network is cut and comes back",
    "sshd-killed": "the master's sshd is killed in the middle",
    "master-rebooted": "the master is rebooted in the middle; its spool survives",
    "control-killed": "the control host is killed and started again",
    "garbled": "garbled bytes in what the client and nim print",
    "french": "hosts with a French locale",
    "clock-jump": "the master's clock jumps a year ahead in the middle",
    "state-read-only": "the state directory is read-only",
    "state-full": "the state directory is full",
    "history-locked": "the history is locked by somebody else",
    "history-corrupted": "the history is corrupted",
    "two-same": "two nimwraps at once on the same client: the second one",
    "two-different": "two nimwraps at once on different clients",
    "admin-edits": "an administrator edits /etc/exports while a remedy is in force",
}
"""Every fault of the table, in its order."""


def row(
    run: dict[str, Any] | None, exit_code: int, left: list[str], *, code: str = "", note: str = ""
) -> dict[str, Any]:
    """One line: a run as the CLI shows it (None: no run began), its exit code, what is left, what else to say."""
    failure = (run or {}).get("failure") or {}
    return {
        "outcome": (run or {}).get("outcome", "-"),
        "code": code or failure.get("code", "-"),
        "exit": exit_code,
        "left": left,
        "note": note,
    }


def confirm(fault: str, found: dict[str, Any]) -> None:
    """The table's row for ``fault`` is what was found; AssertionError else."""
    assert fault in FAULTS
    if not os.environ.get(RECORDING):
        assert stored().get(fault) == found, f"{fault}: not what docs/reliability.md says"
        return
    with (HERE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = stored() | {fault: found}
        ordered = {name: rows[name] for name in FAULTS if name in rows}
        RESULTS.write_text(json.dumps(ordered, indent=1) + "\n")


def stored() -> dict[str, dict[str, Any]]:
    return dict(json.loads(RESULTS.read_text())) if RESULTS.exists() else {}


def table() -> str:
    """The table as Markdown."""
    lines = ["| fault | outcome | failure | exit | left | |", "|---|---|---|---|---|---|"]
    for name, one in stored().items():
        code = f"`{one['code']}`" if one["code"] != "-" else "-"
        left = ", ".join(one["left"]) or "nothing"
        lines.append(f"| {FAULTS[name]} | {one['outcome']} | {code} | {one['exit']} | {left} | {one['note']} |")
    return "\n".join(lines)


def with_table(document: str) -> str:
    """``document`` with the table between its marks replaced."""
    return between(document, (BEGIN, END), table())


def between(document: str, marks: tuple[str, str], text: str) -> str:
    """``document`` with ``text`` between its two marks."""
    before, _, rest = document.partition(marks[0])
    _, _, after = rest.partition(marks[1])
    return f"{before}{marks[0]}\n\n{text}\n\n{marks[1]}{after}"
