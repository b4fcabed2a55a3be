"""The handle on an estate: its switches, its settings, its log. All of it is on disk, for every process at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nimwrap.estate import catalogue, nfs, switches
from nimwrap.estate.machine import Machine, State

SCRATCH = ("/tmp/", "/var/adm/nimwrap")


@dataclass(frozen=True)
class Logged:
    """One call of an estate command, or of a POSIX tool that changes files."""

    host: str
    argv: tuple[str, ...]
    at: datetime
    changes: bool


class Estate:
    """An estate that stands at ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.state = State(str(root / "state"))

    @classmethod
    def load(cls, root: Path) -> Estate:
        """The estate that was built there; ValueError when there is none."""
        if not (root / "state" / "world.json").exists():
            raise ValueError(f"no estate at {root}")
        return cls(root.resolve())

    @property
    def hosts(self) -> list[str]:
        return list(self.state.read("world")["hosts"])

    def machine(self, host: str) -> Machine:
        """The host as its own commands see it."""
        return Machine(str(self.root / "hosts" / host))

    def files(self, host: str) -> Path:
        """The host's file tree; ``files("nim") / "etc/exports"``."""
        return self.root / "hosts" / host

    def read(self, host: str, path: str) -> str:
        """A text file of the host in AIX's terms."""
        return self.machine(host).read(path)

    def write(self, host: str, path: str, text: str) -> None:
        """Write a text file of the host; AIX paths in it become those of its tree."""
        target = self.files(host) / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        self.machine(host).write(path, text)

    def shell(self, host: str) -> str:
        """The program that runs scripts on the host: a master's ``shell``, or sshd's ForceCommand."""
        return str(self.root / "shells" / host)

    def own_process(self, host: str, path: str) -> Path:
        """From now on the executable at the AIX path ``path`` asks no server, on this host alone; returns its file."""
        from nimwrap.estate import launchers
        from nimwrap.estate.spec import Spec

        module = catalogue.executables(self.machine(host).facts["role"])[path]
        file = self.files(host) / path.lstrip("/")
        file.unlink()  # a link that other hosts have too
        file.write_text(launchers.plain_command(launchers.completed(Spec()), module, path))
        file.chmod(0o755)
        return file

    def config(self, transport: str = "local", **tables: Any) -> str:
        """A configuration (TOML text) for this estate; dicts are tables, ``master`` adds keys to [masters.nim].

        ``second=True`` adds [masters.nim2]. The retry waits are short unless given.
        """
        from nimwrap.estate.toml import document

        masters = {}
        for name in ("nim", "nim2") if tables.pop("second", False) else ("nim",):
            own: dict[str, Any] = {"transport": transport}
            if transport == "local":
                own["shell"] = self.shell(name)
            masters[name] = own | (tables.get("master", {}) if name == "nim" else {})
        tables.pop("master", None)
        plain = {"state_dir": str(self.root / "nimwrap"), "masters": masters, "retry": {"wait": "1s", "max_wait": "2s"}}
        return document(plain | tables)

    def log(self) -> list[Logged]:
        """Every command so far, in order."""
        return [one for kind, one in self._records() if kind != "end"]

    def spans(self) -> list[tuple[Logged, datetime | None]]:
        """Every command that changes something, with its end; None for one that runs, or was killed."""
        open_: dict[tuple[str, ...], list[int]] = {}
        found: list[tuple[Logged, datetime | None]] = []
        for kind, one in self._records():
            same = open_.setdefault((one.host, *one.argv), [])
            if kind == "end" and same:
                place = same.pop(0)
                found[place] = (found[place][0], one.at)
            elif kind == "change":
                same.append(len(found))
                found.append((one, None))
        return found

    def _records(self) -> list[tuple[str, Logged]]:
        text = (self.root / "state" / "commands.log").read_bytes().decode("utf-8", "replace")
        found = []
        for record in text.split("\x1e"):
            fields = record.split("\x1f")
            if len(fields) > 3:
                when = datetime.fromtimestamp(float(fields[1] or 0), UTC)
                found.append((fields[2], Logged(fields[0], tuple(fields[3:]), when, fields[2] == "change")))
        return found

    def changes(self, ignoring: tuple[str, ...] = SCRATCH) -> list[Logged]:
        """The changing commands, without file tools that only touched places below ``ignoring``."""
        return [one for one in self.log() if one.changes and not self._scratch(one, ignoring)]

    def _scratch(self, one: Logged, ignoring: tuple[str, ...]) -> bool:
        if one.argv[0] not in catalogue.CHANGING_TOOLS:
            return False
        outward = self.machine(one.host).paths.outward
        paths = [outward(word) for word in one.argv[1:] if word.startswith("/")]
        return bool(paths) and all(path.startswith(ignoring) for path in paths)

    def clear_log(self) -> None:
        """Forget the commands so far."""
        (self.root / "state" / "commands.log").write_bytes(b"")

    def exports_text(self, master: str = "nim") -> bytes:
        """/etc/exports and /etc/xtab of the master, as bytes, for before-and-after comparisons."""
        etc = self.files(master) / "etc"
        return (etc / "exports").read_bytes() + b"--- xtab ---\n" + (etc / "xtab").read_bytes()

    def add_export(self, line: str, *, permanent: bool = True, master: str = "nim") -> None:
        """An administrator's export, such as ``/export/nim -rw,root=aix01``: in force, and in /etc/exports too."""
        machine, (one,) = self.machine(master), nfs.parse(line)
        nfs.put(machine, one)
        if permanent:
            nfs.put(machine, one, nfs.EXPORTS)

    def objects(self, master: str = "nim") -> dict[str, dict[str, str]]:
        """The NIM database of the master."""
        from nimwrap.estate import nimdb

        return nimdb.objects(self.machine(master))

    def mounts(self, host: str) -> list[str]:
        """What the host has mounted by NFS, as ``node:directory over``."""
        rows = self.state.read(f"mounts-{host}").get("mounts", [])
        return [f"{row['node']}:{row['directory']} {row['over']}" for row in rows]

    def snapshot(self, *hosts: str) -> dict[str, str]:
        """Every file of the hosts (all by default) with a digest of its content, to prove that nothing changed."""
        found = {}
        for host in hosts or tuple(self.hosts):
            tree = self.files(host)
            for path in sorted(tree.rglob("*")):
                if path.is_symlink():
                    found[str(path.relative_to(tree.parent))] = "link"
                elif path.is_file():
                    found[str(path.relative_to(tree.parent))] = hashlib.sha256(path.read_bytes()).hexdigest()
                elif path.is_dir():
                    found[str(path.relative_to(tree.parent))] = "directory"
        return found

    def fault(self, name: str, value: Any = True, host: str | None = None) -> None:
        """Set a fault switch for one host or all; None or False turns it off. KeyError for an unknown name."""
        switches.set_fault(self, name, value, host)

    def setting(self, **values: Any) -> None:
        """Change settings: rate, image_size, image_sizes (by host), steps, files, replace_end, refuse_text."""
        self.state.change("settings", lambda held: held.update(values))

    def behaviour(self, name: str, *, end: str = "unexport", text: str = "exportfs") -> None:
        """How NIM treats an export that exists: merge, replace (``end``: unexport or restore), refuse."""
        if name not in ("merge", "replace", "refuse"):
            raise ValueError(name)
        self.setting(behaviour=name, replace_end=end, refuse_text=text)

    def instant(self, rate: float = 0.0) -> None:
        """Images as fast as the disk writes, or at ``rate`` bytes a second."""
        self.setting(rate=rate)

    def hold_images(self, *hosts: str, at: float = 0.4) -> None:
        """From now on images (of these hosts, else of all) wait when this share is written, for the word to go on."""
        self.setting(hold={"at": at, "hosts": list(hosts)})

    def release_images(self) -> None:
        """The word: images go on, and are held no more."""
        self.setting(hold=None)

    def fail_over(self, to: str, group: str = "rg_app") -> None:
        """Move the resource group, and with it the service address, to the node ``to``."""
        self.state.change("cluster", lambda held: held["groups"][group].update(node=to, state="ONLINE"))

    def group_state(self, state: str, group: str = "rg_app") -> None:
        """ONLINE, OFFLINE (the service address is nowhere), ACQUIRING, RELEASING, ERROR, UNMANAGED."""
        self.state.change("cluster", lambda held: held["groups"][group].update(state=state))

    def first_alias(self, first: bool) -> None:
        """False is PowerHA's "Disable Firstalias", applied: the service address comes after the boot address."""
        self.state.change("cluster", lambda held: held.update(first_alias=first))

    def file_system(self, mounted: str, host: str = "nim", **values: Any) -> None:
        """Change size_kb, base_kb (in use) or vfs of a host's file system."""
        self.state.change("filesystems", lambda held: held.setdefault(host, {}).setdefault(mounted, {}).update(values))

    def stop(self) -> None:
        """End everything that hangs or waits in this estate."""
        (self.root / "state" / "running").unlink(missing_ok=True)
