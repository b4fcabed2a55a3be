"""The shell commands of the pages, and a place to type them in: one estate, and this machine's paths elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from nimwrap.estate import build
from tests.running import ROOT, environment

CRONTAB = ROOT / "tests" / "scheduling" / "crontabs" / "01-plain-aix-root.crontab"
_MOVED = re.compile(r"(?<![\w.])/(?=(?:etc|opt|usr/local|var|tmp)\b)")
_ANSIBLE = re.compile(r"ansible \S+ -m command -a '(.+)'")


@dataclass(frozen=True)
class Typed:
    """One command of a page, as it stands there; continued lines are one."""

    page: str
    text: str


def commands_of(page: Path) -> list[Typed]:
    """The commands of the ``sh`` blocks of a page, without comments."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    bare = [re.sub(r"\s+#.*$|^#.*$", "", line).strip() for line in lines]
    return [Typed(str(page.relative_to(ROOT)), line) for line in bare if line]


class Shell:
    """A user's shell. nimwrap is on its path and configured for the estate; /etc, /opt, /var ... lie under ``root``."""

    def __init__(self, root: Path, notified: str) -> None:
        self.root, self.notified = root, notified
        estate = build(root / "estate")
        estate.setting(rate=0)
        by_hand = "/usr/sbin/nim -o define -t mksysb -a server=master -a source=aix01 -a mk_image=yes"
        made = f"{by_hand} -a location=/export/nim/mksysb/by_hand aix01_by_hand"
        subprocess.run([estate.shell("nim"), "-c", made], check=True, capture_output=True)
        self.programs = root / "usr" / "local" / "bin"
        places = ("etc", "var/www/html", "var/lib/node_exporter", "var/adm", "tmp", "usr/local/share/man/man1", "home")
        for name in places:
            (root / name).mkdir(parents=True, exist_ok=True)
        (root / "var" / "adm" / "nimwrap.log").write_text("a line\n")
        self._program("nimwrap", f'exec {sys.executable} -m nimwrap "$@"')
        self._program("crontab", f"cat {CRONTAB}")
        self._program("sqlite-utils", f'exec {sys.executable} -m sqlite_utils "$@"')
        config = root / "estate.toml"
        copies = {"second": {"kind": "path", "directory": "/export/copies", "after": ""}}
        groups = {"cluster": ["powerha1", "powerha2"]}
        config.write_text(estate.config(notify={"ping": notified}, groups=groups, copies=copies))
        (root / "schedules").mkdir()
        (root / "schedules" / "weekly.toml").write_text('[weekly]\ncron = "0 1 * * sun"\ntargets = ["group:cluster"]\n')
        state = root / "estate" / "nimwrap"
        state.mkdir(exist_ok=True)
        state.chmod(0o700)
        (root / "var" / "lib" / "nimwrap").symlink_to(state)
        path = f"{self.programs}:/usr/bin:/bin:/usr/sbin"
        self.env = environment(root / "home", NIMWRAP_CONFIG=str(config), PATH=path, SHELL="/bin/bash")

    def type(self, command: str, directory: Path) -> subprocess.CompletedProcess[str]:
        """Run a command in a directory, with this machine's places moved; what Ansible would run there is run here."""
        inner = _ANSIBLE.fullmatch(command)
        moved = _MOVED.sub(f"{self.root}/", inner[1] if inner else command)
        if "config init" in command:  # each page begins anew
            (self.root / "etc" / "nimwrap" / "nimwrap.toml").unlink(missing_ok=True)
        return subprocess.run(
            ["/bin/bash", "-c", f"{moved}\nexit $?"],
            cwd=directory,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def _program(self, name: str, script: str) -> None:
        self.programs.mkdir(parents=True, exist_ok=True)
        program = self.programs / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
