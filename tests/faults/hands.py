"""What each test of a foreign hand found, kept in hands.json, from which docs/reliability.md has its second table."""

from __future__ import annotations

import fcntl
import json
import os

from tests.faults.results import HERE, RECORDING, between

RESULTS = HERE / "hands.json"
MARKS = "<!-- table of foreign hands: made by python -m tests.faults -->", "<!-- end of the table of foreign hands -->"

HANDS = {
    "deleted": "the last good image is deleted",
    "replaced": "an image is replaced by another file of the same size",
    "linked": "a person's own resource is a hard link to an image that retention would remove",
    "open": "an image that retention would remove is open",
    "mass": "three images of a client are deleted at once",
    "keep": "`keep` is ten, and one by mistake",
    "misdated": "a clock was wrong: an image is dated in the future",
    "undo-gone": "the undo of an export is deleted from the spool",
    "undo-empty": "the undo of an export is emptied, and nimwrap killed",
    "installation": "a second installation on the same host runs `recover`",
    "export": "an export of ours stands without a row in the journal (an older `history.db` was put back)",
    "nim-line": "NIM and nimwrap are killed in the middle of NIM's own operation",
    "heartbeat": "a lock is planted whose heartbeat lies in the future",
}
"""Every hand of the table, in its order."""


def confirm_hand(hand: str, did: str, said: str) -> None:
    """What nimwrap did and what it said are what the table says; AssertionError else."""
    assert hand in HANDS
    found = {"did": did, "said": said}
    if not os.environ.get(RECORDING):
        assert stored_hands().get(hand) == found, f"{hand}: not what docs/reliability.md says"
        return
    with (HERE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = stored_hands() | {hand: found}
        RESULTS.write_text(json.dumps({name: rows[name] for name in HANDS if name in rows}, indent=1) + "\n")


def stored_hands() -> dict[str, dict[str, str]]:
    return dict(json.loads(RESULTS.read_text())) if RESULTS.exists() else {}


def with_hands(document: str) -> str:
    """``document`` with the table between its marks replaced."""
    rows = [f"| {HANDS[name]} | {one['did']} | {one['said']} |" for name, one in stored_hands().items()]
    return between(
        document, MARKS, "\n".join(["| what was done | what nimwrap did | what it said |", "|---|---|---|", *rows])
    )
