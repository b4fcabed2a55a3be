"""An estate with hooks: each program notes that it was called, does what its test wants, and is found again by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nimwrap.estate import Estate

HOOK = """\
#!/bin/sh
echo "{name} $*" >> {calls}
{body}
"""


@dataclass
class Hooked:
    """``add`` writes the program and its table; ``calls``: what was called, in order."""

    estate: Estate
    config: Path
    root: Path

    def add(self, when: str, on: str, body: str = "exit 0", *, words: str = "{client}", more: str = "") -> None:
        name = f"{when}-{on}"
        path = f"/usr/local/bin/{name}"
        place = self.root / name if on == "control" else self._host(on) / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(HOOK.format(name=name, calls=self.root / "calls", body=body))
        place.chmod(0o755)
        called = str(place) if on == "control" else path
        table = f'\n[[hooks]]\nwhen = "{when}"\non = "{on}"\nrun = ["{called}", "{words}"]\n{more}\n'
        self.config.write_text(self.config.read_text() + table)

    @property
    def calls(self) -> list[str]:
        """As the hosts see their paths."""
        path = self.root / "calls"
        text = path.read_text() if path.exists() else ""
        return re.sub(rf"{re.escape(str(self.estate.root))}/hosts/\w+", "", text).splitlines()

    def _host(self, on: str) -> Path:
        return self.estate.files("nim" if on == "master" else "aix01")


HookedEstate = Callable[..., Hooked]
