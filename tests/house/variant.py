"""nimwrap with some of its files changed, as somebody has it who adds to it; all else are links to what is tested."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.running import ROOT


def variant(at: Path, changed: Mapping[str, str]) -> dict[str, str]:
    """Lay out nimwrap below ``at`` with the ``changed`` files (path below the package: text); how to run that one."""
    _linked(ROOT / "nimwrap", at / "nimwrap", {tuple(path.split("/")): text for path, text in changed.items()})
    return {"PYTHONPATH": str(at), "PYTHONSAFEPATH": "1"}


def edited(path: str, old: str, new: str) -> dict[str, str]:
    """One file of the package with one place changed."""
    text = (ROOT / "nimwrap" / path).read_text()
    assert text.count(old) == 1, f"{path} has {text.count(old)} of {old!r}"
    return {path: text.replace(old, new)}


def _linked(source: Path, target: Path, changed: Mapping[tuple[str, ...], str]) -> None:
    target.mkdir(parents=True)
    inner = {path[0] for path in changed}
    for entry in source.iterdir():
        if entry.name not in inner and entry.name != "__pycache__":
            (target / entry.name).symlink_to(entry)
    for name in inner:
        below = {path[1:]: text for path, text in changed.items() if path[0] == name}
        if () in below:
            (target / name).write_text(below[()])
        else:
            _linked(source / name, target / name, below)
