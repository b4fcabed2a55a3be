"""The NFS server's side on disk: /etc/exports, /etc/xtab, and what an export lets whom do.

Rules of reference aix-nim section 3.3: names are compared with the reverse lookup of the source address; ``root=``
alone does not admit; no directory above or below an exported one in the same file system.
"""

from __future__ import annotations

from nimwrap.estate import hooks, net
from nimwrap.estate.filesystems import mount_point
from nimwrap.estate.machine import Machine
from nimwrap.estate.stdlib import NamedTuple

EXPORTS = "/etc/exports"
XTAB = "/etc/xtab"


class ExportedDirectory(NamedTuple):
    """One line of the table: the option text is kept as it was given."""

    directory: str
    options: str = ""

    @property
    def line(self) -> str:
        return f"{self.directory} -{self.options}" if self.options else self.directory

    def hosts(self, key: str) -> list[str] | None:
        """The list behind ``key``; None where the key is absent or has no list."""
        for part in self.options.split(","):
            if part.startswith(f"{key}="):
                return [host for host in part[len(key) + 1 :].split(":") if host]
        return None

    def flag(self, key: str) -> bool:
        return key in self.options.split(",")

    def with_hosts(self, key: str, hosts: list[str]) -> ExportedDirectory:
        """The same with the list of ``key`` set; an empty list takes the key away."""
        parts = [part for part in self.options.split(",") if part]
        value = f"{key}={':'.join(hosts)}"
        place = next((at for at, part in enumerate(parts) if part.startswith(f"{key}=")), None)
        if place is None:
            parts = [*parts, value] if hosts else parts
        else:
            parts[place : place + 1] = [value] if hosts else []
        return self._replace(options=",".join(parts))


def parse(text: str) -> list[ExportedDirectory]:
    """The entries of an exports file: comments, blank lines and continuations as AIX takes them."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        words = line.split("#", 1)[0].split(None, 1)
        if words:
            found.append(ExportedDirectory(words[0], words[1].strip().lstrip("-") if len(words) > 1 else ""))
    return found


def table(me: Machine, file: str = XTAB) -> list[ExportedDirectory]:
    """What the file holds, in its order."""
    return parse(me.read(file))


def entry(me: Machine, directory: str, file: str = XTAB) -> ExportedDirectory | None:
    """The entry of exactly this directory."""
    return next((one for one in table(me, file) if one.directory == directory), None)


def published(me: Machine) -> None:
    """The table has changed: a lab's real server must follow."""
    hooks.run(me, "exports", me.name)


def put(me: Machine, export: ExportedDirectory, file: str = XTAB) -> None:
    """Add the entry, or change the one of its directory in place; other lines keep their bytes."""
    lines = me.read(file).splitlines(keepends=True)
    for at, line in enumerate(lines):
        if parse(line)[:1] and parse(line)[0].directory == export.directory:
            lines[at] = export.line + "\n"
            break
    else:
        if lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines.append(export.line + "\n")
    me.write(file, "".join(lines))


def drop(me: Machine, directory: str, file: str = XTAB) -> bool:
    """Take the directory's entry out; False when there was none."""
    lines = me.read(file).splitlines(keepends=True)
    kept = [line for line in lines if not (parse(line) and parse(line)[0].directory == directory)]
    if len(kept) == len(lines):
        return False
    me.write(file, "".join(kept))
    return True


def conflict(me: Machine, directory: str) -> str | None:
    """Why ``directory`` cannot be exported beside what is: the text exportfs has for it, or None."""
    for one in table(me):
        if one.directory == directory or mount_point(me, one.directory) != mount_point(me, directory):
            continue
        if directory.startswith(one.directory.rstrip("/") + "/"):
            return f"exportfs: {directory}: parent-directory ({one.directory}) already exported\n"
        if one.directory.startswith(directory.rstrip("/") + "/"):
            return f"exportfs: {directory}: sub-directory ({one.directory}) already exported\n"
    return None


def unknown_hosts(me: Machine, export: ExportedDirectory) -> list[str]:
    """Names in the entry's lists that the server cannot resolve."""
    names = [host for key in ("access", "root", "rw", "ro") for host in export.hosts(key) or []]
    return [name for name in names if not name.startswith(("@", ".", "*")) and net.lookup(me, name) is None]


class Right(NamedTuple):
    """What the server lets a source address do with a directory. ``reason`` says why not to mount."""

    mount: bool = False
    write: bool = False
    root: bool = False
    reason: str = ""
    export: ExportedDirectory | None = None


def right(server: Machine, directory: str, source: str) -> Right:
    """The server's answer for ``source`` on ``directory`` or the exported directory above it."""
    export = _covering(server, directory)
    if export is None:
        return Right(reason="access")
    names = net.reverse(server, source)
    admitted = export.hosts("access")
    writers, readers = export.hosts("rw"), export.hosts("ro")
    lists = [hosts for hosts in (admitted, writers, readers) if hosts is not None]
    if lists and not any(_listed(hosts, names, source) for hosts in lists):
        return Right(reason="access" if names else "no-name", export=export)
    write = not export.flag("ro") and not (readers is not None and _listed(readers, names, source))
    if writers is not None:
        write = _listed(writers, names, source)
    root = _listed(export.hosts("root") or [], names, source)
    return Right(mount=True, write=write, root=root, export=export)


def _covering(server: Machine, directory: str) -> ExportedDirectory | None:
    above = [
        one
        for one in table(server)
        if directory == one.directory or directory.startswith(one.directory.rstrip("/") + "/")
    ]
    return max(above, key=lambda one: len(one.directory), default=None)


def _listed(hosts: list[str], names: list[str], source: str) -> bool:
    for host in hosts:
        if host in ("*", source) or host.lower() in (name.lower() for name in names):
            return True
        if host.startswith("@") and _in_subnet(host[1:], source):
            return True
        if host.startswith(".") and any(name.endswith(host) for name in names):
            return True
    return False


def _in_subnet(text: str, source: str) -> bool:
    network, _, bits = text.partition("/")
    while network.count(".") < 3:
        network += ".0"
    if not net.is_ipv4(network):
        return False
    width = int(bits) if bits.isdigit() else 24
    shift = 32 - width
    return net.number(network) >> shift == net.number(source) >> shift
