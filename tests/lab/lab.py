"""The whole lab: the estate's hosts on a real network, and nimwrap called in it as its users would."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from nimwrap.estate import Estate, build
from nimwrap.images.kit.kit_names import is_kit_file
from tests.hosts.sshd import make_key
from tests.lab import tree
from tests.lab.hosts import PATH, SSHD, LabHost
from tests.lab.network import Network
from tests.running import ROOT, Ran, command, environment

CTL = "ctl"
MASTER = "nim"
SERVICE = "10.10.10.102"
NODES = ("powerha1", "powerha2")
IMAGES = "export/nim/mksysb"
ENDING_S = 5.0


class Lab:
    """Entered once a session; :meth:`reset` makes everything new between tests. ``spec``: fields of the estate's."""

    def __init__(self, **spec: Any) -> None:
        self._spec = {"image_size": 1_000_000, **spec}
        self.base = Path(tempfile.mkdtemp(prefix="nimwrap-lab-", dir="/var/tmp"))
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._stack.callback(shutil.rmtree, self.base, ignore_errors=True)
        try:
            self._begin()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _begin(self) -> None:
        self.estate: Estate = build(
            self.base / "estate", python=tree.python(), code="/.lab/code", real_root=True, **self._spec
        )
        self.place = self.base / "estate"
        for name in ("ssh", "ganesha", "logs", "work"):
            (self.place / name).mkdir()
        self.estate.setting(hooks=tree.hooks())
        self._settings = self.estate.state.read("settings")
        self._objects = (self.estate.files(MASTER) / "etc/objrepos/nim.json").read_text()
        own = {host: self.estate.machine(host).facts["interfaces"][0][1] for host in self.estate.hosts}
        for host in self.estate.hosts:
            tree.furnish(self.estate.files(host))
        self._keys()
        self.network = self._stack.enter_context(Network({CTL: "10.10.10.200", **own}))
        self.hosts = {host: LabHost(host, self.place, self.network, self._services(host)) for host in self.estate.hosts}
        self._place_service(NODES[0])
        for host in self.hosts.values():
            host.start()
        for host in self.hosts.values():
            host.await_up()

    def _keys(self) -> None:
        ssh = self.place / "ssh"
        make_key(ssh / "user")
        make_key(ssh / "host")
        (ssh / "known_hosts").write_text(f"10.10.10.100 {(ssh / 'host.pub').read_text()}")
        (ssh / "sshd_config").write_text(
            "Port 22\nHostKey /.base/ssh/host\nPidFile none\nAuthorizedKeysFile /.base/ssh/user.pub\nUsePAM no\n"
            "StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nPermitRootLogin yes\n"
            f"UseDNS no\nPrintMotd no\nPrintLastLog no\nSetEnv PATH={PATH}\n"
        )

    def _services(self, host: str) -> list[tuple[list[str], int]]:
        sshd = ([SSHD, "-D", "-e", "-f", "/.base/ssh/sshd_config"], 22)
        if host != MASTER:
            return [sshd, ([tree.python(), "-SEs", f"{tree.PROGRAMS}/nimsh.py"], 3901)]
        ganesha = [
            "/.lab/usr/bin/ganesha.nfsd",
            "-F",
            "-L",
            "/.base/ganesha/log",
            "-f",
            "/.base/ganesha/conf",
            "-p",
            "/.base/ganesha/pid",
        ]
        return [
            sshd,
            (["/.lab/usr/sbin/rpcbind", "-f", "-w"], 111),
            ([*tree.hooks()["exports"], MASTER, "--write"], 0),
            (ganesha, 2049),
        ]

    def _place_service(self, holder: str) -> None:
        first = self.estate.state.read("cluster").get("first_alias", True)
        for node in NODES:
            boot = self.estate.machine(node).facts["interfaces"][0][1]
            own = ([SERVICE, boot] if first else [boot, SERVICE]) if node == holder else [boot]
            self.network.addresses(node, own)

    def fail_over(self, to: str) -> None:
        """The resource group moves, and its address with it, first again."""
        self.estate.fail_over(to)
        self._place_service(to)

    def reset(self) -> None:
        """As on the first day: nothing backed up, no fault, everybody up."""
        state = self.estate.state
        state.write("faults", {})
        state.write("settings", self._settings)
        self.estate.first_alias(True)
        for name, host in self.hosts.items():
            self.network.mend(name)
            if not host.processes("nimsh.py" if name != MASTER else "ganesha.nfsd"):
                host.kill()
                host.start()
                host.await_up()
            state.write(f"mounts-{name}", {})
            for path in (host.tree / "tmp").iterdir():
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        self.fail_over(NODES[0])
        top = self.estate.files(MASTER)
        for path in (top / IMAGES, top / "var/adm/nimwrap", top / "var/lib/nimwrap"):
            shutil.rmtree(path, ignore_errors=True)
        (top / IMAGES).mkdir()
        (top / "etc/objrepos/nim.json").write_text(self._objects)
        for name in ("exports", "xtab"):
            (top / "etc" / name).write_text("")
        self.reread()
        for path in (self.offences_file, self.place / "state/clock"):
            path.unlink(missing_ok=True)

    def reread(self) -> None:
        """The NFS server takes over what /etc/xtab says now."""
        said = self.hosts[MASTER].run(f"{' '.join(tree.hooks()['exports'])} nim")
        assert said.status == 0, said.text

    def shift_clock(self, seconds: int) -> None:
        """What ``date`` says on every host is this much ahead from now on."""
        (self.place / "state/clock").write_text(str(seconds))

    @property
    def offences_file(self) -> Path:
        return self.place / "state/offences"

    def offences(self) -> str:
        """What was run on a host that AIX would not have taken."""
        return self.offences_file.read_text() if self.offences_file.exists() else ""

    def config(self, transport: str = "ssh", **tables: Any) -> Path:
        """A configuration file for this lab; ``transport`` local is for calls on the master itself."""
        work = Path(tempfile.mkdtemp(dir=self.place / "work"))
        master: dict[str, Any] = {"transport": transport}
        if transport != "local":
            ssh = self.place / "ssh"
            master |= {
                "host": "10.10.10.100",
                "user": "root",
                "identity_file": str(ssh / "user"),
                "known_hosts": str(ssh / "known_hosts"),
            }
        from nimwrap.estate.toml import document

        there = Path("/.base") / work.relative_to(self.place) if transport == "local" else work
        plain = {
            "state_dir": str(there / "state"),
            "masters": {MASTER: master | tables.pop("master", {})},
            "retry": {"wait": "1s", "max_wait": "2s"},
        }
        path = work / "nimwrap.toml"
        path.write_text(document(plain | tables))
        return path

    def argv(self, config: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """The command that runs nimwrap where the configuration belongs, on ctl or on the master; its environment."""
        if 'transport = "local"' not in config.read_text():
            return (
                ["nsenter", f"--net={self.network.of(CTL)}", *command(*arguments, config=config)],
                environment(config.parent),
            )
        there = Path("/.base") / config.relative_to(self.place)
        argv = [tree.python(), "-m", "nimwrap", "--config", str(there), *arguments]
        return self.hosts[MASTER].enter(*argv), {
            "PATH": PATH,
            "HOME": str(there.parent),
            "TERM": "dumb",
            "PYTHONPATH": "/.lab/code:/.lab/site",
            "LANG": "C",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def begin(self, config: Path, *arguments: str) -> subprocess.Popen[bytes]:
        """Start nimwrap and do not wait."""
        argv, env = self.argv(config, *arguments)
        return subprocess.Popen(
            argv,
            env=env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def nimwrap(self, config: Path, *arguments: str, timeout: float = 120) -> Ran:
        """Run nimwrap to its end."""
        process = self.begin(config, *arguments)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Ran(process.returncode, out.decode("utf-8", "replace"), err.decode("utf-8", "replace"))

    def images(self) -> list[str]:
        """Every file below the image directory, by its path on the master."""
        top = self.estate.files(MASTER)
        return sorted(
            f"/{path.relative_to(top)}"
            for path in (top / IMAGES).rglob("*")
            if path.is_file() and not is_kit_file(str(path))
        )

    def exports_text(self) -> bytes:
        return bytes(self.estate.exports_text())

    def left(self) -> list[str]:
        """What of nimwrap's still lies or runs on any host after a moment: nothing, when all is well."""
        until = time.monotonic() + ENDING_S
        while (found := self._left()) and time.monotonic() < until:
            time.sleep(0.1)
        return found

    def _left(self) -> list[str]:
        found = []
        spool = self.hosts[MASTER].tree / "var/adm/nimwrap"
        for path in spool.rglob("*") if spool.exists() else []:
            if path not in (spool / "locks", spool / "slots", spool / "limits"):
                found.append(f"{MASTER}:{path}")
        for name, host in self.hosts.items():
            found += [f"{name}: mounted {mount}" for mount in self.estate.mounts(name)]
            found += [f"{name}:/tmp/{path.name}" for path in (host.tree / "tmp").iterdir()]
            running = [*host.processes("/var/adm/nimwrap"), *host.processes("mksysb -")]
            found += [f"{name}: running {pid}" for pid in running]
        return found


def why_not() -> str:
    """Why the lab cannot run here; empty when it can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "the network lab needs root on Linux"
    programs = {
        "ganesha.nfsd": "nfs-ganesha",
        "rpcbind": "rpcbind",
        "sshd": "openssh-server",
        "ip": "iproute2",
        "ksh93": "ksh",
        "perl": "perl",
        "nsenter": "util-linux",
        "dash": "dash",
    }
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    missing = [package for name, package in programs.items() if not shutil.which(name, path=path)]
    if not list(Path("/usr/lib").glob("*/ganesha/libfsalvfs.so")):
        missing.append("nfs-ganesha-vfs")
    if not list(Path("/usr/lib").glob("*/libnfs.so.13")):
        missing.append("libnfs-utils")
    if missing:
        return f"the network lab needs packages: {', '.join(missing)}"
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        tried = "ip link add br0 type bridge && ip link add v0 type veth peer name v1"
        done = subprocess.run(
            ["unshare", "--net", "--mount", "--pid", "--fork", "sh", "-c", tried],
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        return f"the network lab needs namespaces: {done.stderr.strip()}" if done.returncode else ""
    return "the network lab needs unshare"
