"""A simulated master that can be put back to any state it was in: its files, its clock, and the wrappers it runs.

The scripts are the real ones, run by a real shell on the embedded estate. Three things are not as on a real master,
so that a script's effect follows from the state alone: the clock stands still while a script runs (``date`` and the
estate's own commands read it from a file); a detached wrapper is not started, but noted, and ``ps`` shows it as alive,
until the scheduler lets it run, as one step; a script that would wait for news looks once.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nimwrap
from nimwrap.estate import Estate, build
from nimwrap.estate.catalogue import CHANGING_TOOLS
from nimwrap.estate.launchers import real_tool
from nimwrap.estate.machine import Machine
from nimwrap.estate.process import environment, login_shell
from nimwrap.hosts.protocol import CommandResult

BEGAN = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
"""Second 0 of the clock."""
_FIXED_NS = 10**18
_LIMIT_S = 120
_SPOOL = "hosts/nim/var/adm/nimwrap"
_PROCESSES = "hosts/nim/var/processes"
_TRACKED = ("etc", "export", "var", "tmp", "home", "admin", "mnt", "nim")
_IGNORED = (".log", ".lock")
_LAUNCH = re.compile(
    r"nohup /usr/bin/ksh (\S+)/wrapper < /dev/null > /dev/null 2>&1 &\n"
    r"echo \$! > pid; echo \$! > (\S+)/pid\necho \"(\S+) started \$!\"\n"
)
_WAITS = re.compile(r"\$waited -lt ([1-9]\d*) \]; do\n  sleep 1; waited=\$\(\(waited \+ 1\)\)\n  for room in")

_DATE = '#!/bin/sh\nread now < {clock}\nexec {date} -d "@$now" "$@"\n'
_PS = """#!/bin/sh
case "$1" in
-ef) echo "     UID     PID    PPID   C    STIME    TTY  TIME CMD";;
-p)
  for pid in $(echo "$2" | tr , ' '); do
    if [ "$pid" = 1 ] && [ "$*" = "-p 1 -o etime=" ]; then echo "10-00:00:00"; exit 0; fi
    [ -f {processes}/$pid ] || continue
    case "$*" in *pid=*) echo "$pid $(cat {processes}/$pid)";; *) cat {processes}/$pid;; esac
  done;;
esac
"""
_CLOCKED_PACKAGE = """
import time
with open({clock!r}) as file:
    _now = time.gmtime(int(file.read()))
_form = time.strftime
time.strftime = lambda form, when=None: _form(form, when or _now)
__path__ = [{package!r}]
"""

Entry = bytes | str
"""A file's content, or a word: ``/`` for a directory, ``@`` and the target of a link, ``#`` and the image's number."""
Files = dict[str, Entry]


def waits(script: str) -> bool:
    """Whether the script stays on the master until there is news."""
    return _WAITS.search(script) is not None


@dataclass
class MasterDisk:
    """The estate below ``root``, its state known by number. ``clock`` is in seconds since BEGAN."""

    root: Path
    states: list[Files] = field(default_factory=list)
    runs: int = 0

    def __post_init__(self) -> None:
        self._ids: dict[tuple[tuple[str, Entry], ...], int] = {}
        self._seen: dict[tuple[str, int], Entry] = {}
        self._images: dict[str, str] = {}
        self._wrappers: dict[int, dict[str, str]] = {}
        self._base = self.root / "estate"
        (self.root / "images").mkdir(parents=True)
        self._clock = self.root / "clock"
        self.set_clock(0)
        package = self.root / "code/nimwrap"
        package.mkdir(parents=True)
        real = str(Path(nimwrap.__file__).parent)
        (package / "__init__.py").write_text(_CLOCKED_PACKAGE.format(clock=str(self._clock), package=real))
        self.estate: Estate = build(self._base, code=str(self.root / "code"))
        self.estate.instant()
        self._replace_programs()
        self._machine = Machine(str(self._base / "hosts/nim"))
        self.now = self._scan()

    def _replace_programs(self) -> None:
        (self._base / _PROCESSES).mkdir()
        date = _DATE.format(clock=self._clock, date=real_tool("date"))
        texts = {f"{host}/usr/bin/date": date for host in self.estate.hosts}
        texts["nim/usr/bin/ps"] = _PS.format(processes=self._base / _PROCESSES)
        for name, text in texts.items():
            place = self._base / "hosts" / name
            place.unlink()
            place.write_text(text)
            place.chmod(0o755)
        for host in self.estate.hosts:
            for tool in CHANGING_TOOLS:  # nobody reads the command log, and writing it costs a process
                place, real = self._base / "hosts" / host / "usr/bin" / tool, real_tool(tool)
                if real and place.exists():
                    place.unlink()
                    place.symlink_to(real)

    def set_clock(self, seconds: int) -> None:
        self._clock.write_text(f"{int((BEGAN + timedelta(seconds=seconds)).timestamp())}\n")

    def configure(self, **settings: object) -> None:
        """Change settings of the estate; the state is another one then."""
        self.estate.setting(**settings)
        self.now = self._scan()

    def run(self, state: int, clock: int, script: str) -> tuple[CommandResult, int]:
        """What the script says in this state, and the state after it."""
        self.set_clock(clock)
        text, wrappers = _LAUNCH.subn(self._noted, script)
        assert wrappers == ("nohup /usr/bin/ksh" in script), script[-400:]
        text = _WAITS.sub(lambda match: match[0].replace(f"-lt {match[1]} ", "-lt 0 "), text)
        self._go_to(state)
        result = self._shell(text)
        self.now = self._scan()
        return result, self.now

    def run_wrapper(self, state: int, clock: int, number: str) -> int:
        """The state after the wrapper with this process number has done all that it does."""
        self.set_clock(clock)
        self._go_to(state)
        process = self._base / _PROCESSES / number
        place = Path(process.read_text().split()[1]).parent
        self._shell(f"/usr/bin/ksh {place}/wrapper < /dev/null > /dev/null 2>&1; true")
        process.unlink()
        for name in ("pid", "command.pid"):
            if (place / name).exists():
                (place / name).write_text(f"{number}\n")
        self.now = self._scan()
        return self.now

    def wrappers(self, state: int) -> dict[str, str]:
        """The wrappers that live: their run's id by process number."""
        if state not in self._wrappers:
            found = self._wrappers[state] = {}
            for number, entry in self.files(state, _PROCESSES).items():
                if isinstance(entry, bytes):
                    found[number] = entry.decode().split()[1].split("/")[-2]
        return self._wrappers[state]

    def files(self, state: int, below: str) -> Files:
        """The files and directories below a path of the estate's tree, by the rest of their path."""
        return {path[len(below) + 1 :]: it for path, it in self.states[state].items() if path.startswith(f"{below}/")}

    def spool(self, state: int) -> Files:
        return self.files(state, _SPOOL)

    def image(self, entry: Entry) -> Path | None:
        """The file behind an image's entry."""
        return self.root / "images" / entry[1:] if isinstance(entry, str) and entry[0] == "#" else None

    def _noted(self, match: re.Match[str]) -> str:
        room, lock, mark = match.groups()
        number = 9 * 10**7 + int(hashlib.sha256(room.encode()).hexdigest(), 16) % 10**6
        return (
            f"echo /usr/bin/ksh {room}/wrapper > {self._base}/{_PROCESSES}/{number}\n"
            f'echo {number} > pid; echo {number} > {lock}/pid\necho "{mark} started {number}"\n'
        )

    def _shell(self, script: str) -> CommandResult:
        self.runs += 1
        me = self._machine
        done = subprocess.run(
            [login_shell(me), "-c", me.paths.inward(script)],
            env=environment(me),
            cwd=me.root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_LIMIT_S,
            check=False,
        )
        out, err = (me.paths.outward(text.decode("utf-8", "replace")) for text in (done.stdout, done.stderr))
        return CommandResult(done.returncode if done.returncode >= 0 else 128 - done.returncode, out, err, 0.0)

    def _scan(self) -> int:
        files: Files = {}
        tops = [self._base / "state"]
        tops += [self._base / "hosts" / host / top for host in self.estate.hosts for top in _TRACKED]
        for top in tops:
            if top.is_dir():
                self._look(str(top), files)
        key = tuple(sorted(files.items()))
        if key not in self._ids:
            self._ids[key] = len(self.states)
            self.states.append(files)
        return self._ids[key]

    def _look(self, directory: str, files: Files) -> None:
        with os.scandir(directory) as entries:
            for one in entries:
                name = os.path.relpath(one.path, self._base)
                if one.is_symlink():
                    files[name] = f"@{Path(one.path).readlink()}"
                elif one.is_dir():
                    files[name] = "/"
                    self._look(one.path, files)
                elif not one.name.endswith(_IGNORED) and one.name != "running":
                    files[name] = self._entry(one.path, name, one.stat())

    def _entry(self, path: str, name: str, status: os.stat_result) -> Entry:
        """The content, read again only where something wrote to it: whatever does leaves another time of change."""
        known = self._seen.get((name, status.st_ino))
        if known is not None and status.st_mtime_ns == _FIXED_NS:
            return known
        content = Path(path).read_bytes()
        entry: Entry = self._kept(path, content) if "/export/" in path and content else content
        os.utime(path, ns=(_FIXED_NS, _FIXED_NS))
        self._seen[name, Path(path).stat().st_ino] = entry
        return entry

    def _kept(self, path: str, content: bytes) -> str:
        """An image: kept as one more link, so that it is the same file, with its inode, whenever it comes back."""
        digest = hashlib.sha256(content).hexdigest()
        number = self._images.setdefault(digest, str(len(self._images) + 1))
        kept = self.root / "images" / number
        if not kept.exists():
            os.link(path, kept)
        elif not kept.samefile(path):
            Path(path).unlink()
            os.link(kept, path)
        return f"#{number}"

    def _go_to(self, state: int) -> None:
        """Make the files those of the state."""
        if state == self.now:
            return
        here, wanted = self.states[self.now], self.states[state]
        for name in sorted(here.keys() - wanted.keys(), reverse=True):
            self._remove(name)
        for name in sorted(wanted):
            if here.get(name) != wanted[name]:
                if name in here:
                    self._remove(name)
                self._write(name, wanted[name])
        self.now = state

    def _remove(self, name: str) -> None:
        path = self._base / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)

    def _write(self, name: str, entry: Entry) -> None:
        path = self._base / name
        if entry == "/":
            path.mkdir(exist_ok=True)
            return
        if isinstance(entry, str) and entry[0] == "@":
            path.symlink_to(entry[1:])
            return
        if isinstance(entry, str):
            os.link(self.root / "images" / entry[1:], path)
        else:
            path.write_bytes(entry)
        os.utime(path, ns=(_FIXED_NS, _FIXED_NS))
        self._seen[name, path.stat().st_ino] = entry
