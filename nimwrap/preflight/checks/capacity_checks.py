"""Room: in the image's file system, in the client's /tmp, and under the limits on the size of a file."""

from __future__ import annotations

from nimwrap.aix import df
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.durations import format_size
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import measured, ok, refuse, skip, warn
from nimwrap.images.capacity import next_image_bytes
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.facts import Fact
from nimwrap.preflight.master_facts import BLOCK

TMP_NEEDED = 8 << 20  # mkszfile needs it (aix-nim section 5.3); the boot image more, which flag X makes room for


def needed_bytes(s: CheckContext) -> int | None:
    """What the next image needs by this client's own history; None without one."""
    return next_image_bytes(s.prior.last_sizes)


def space(s: CheckContext) -> Finding:
    """Refuses only on this client's own history, or when there is no room at all; guesses warn."""
    filesystem = s.directory().filesystem
    if filesystem is None or filesystem.free_bytes is None:
        return skip(f"df says nothing about {s.path}", s.on_master.directories.raw)
    free = filesystem.free_bytes
    return measured(_enough(s, filesystem, free), mounted_on=filesystem.mounted_on, free_bytes=free)


def _enough(s: CheckContext, filesystem: df.Filesystem, free: int) -> Finding:
    needed = needed_bytes(s)
    where = f"{format_size(free)} free in {filesystem.mounted_on}"
    fix = (
        f"see what nimwrap images prune --dry-run {s.ref.client} would free, or enlarge it:"
        f" chfs -a size=+NG {filesystem.mounted_on}"
    )
    evidence = f"{filesystem.device} {filesystem.mounted_on}: {free} bytes free"
    if needed is not None:
        basis = f"{format_size(needed)} needed by the last images and a fifth more"
        if free < needed:
            return refuse(FailureCode.SPACE_SHORT, f"{where}, {basis}", fix, evidence)
        return ok(f"{where}, {basis}", evidence)
    if free == 0:
        return refuse(FailureCode.SPACE_SHORT, f"no room left in {filesystem.mounted_on}", fix, evidence)
    used = _used_on_client(s)
    if used is not None and free < used:
        message = f"{where}, while the client's system uses {format_size(used)}; no image of it is known yet"
        return warn(message, fix, evidence)
    return ok(f"{where}; no earlier image tells how much is needed", evidence)


def _used_on_client(s: CheckContext) -> int | None:
    """Bytes in use in the client's system file systems, each counted once; None when df was not understood."""
    rows = {row.mounted_on: row for row in s.client.filesystems.value or [] if row.device.startswith("/dev/hd")}
    used = [row.size_bytes - row.free_bytes for row in rows.values() if row.size_bytes and row.free_bytes is not None]
    return sum(used) if used else None


def tmp(s: CheckContext) -> Finding:
    """``mkszfile`` and the boot image work in the client's /tmp."""
    rows = s.client.filesystems.need()
    row = next((row for row in rows if row.mounted_on == "/tmp"), None)  # noqa: S108 -- AIX's, looked at only
    row = row or next((row for row in rows if row.mounted_on == "/"), None)
    if row is None or row.free_bytes is None:
        return skip("df says nothing about the client's /tmp", s.client.filesystems.raw)
    free = f"{format_size(row.free_bytes)} free in the client's /tmp"
    if row.free_bytes >= TMP_NEEDED:
        return ok(free)
    if "X" in s.policy.mksysb_flags:
        return warn(f"{free}; mksysb will enlarge it (flag X)", "make room in /tmp on the client")
    return refuse(
        FailureCode.SPACE_SHORT,
        f"{free}, and mksysb needs {format_size(TMP_NEEDED)} or more there",
        "make room in /tmp on the client (chfs -a size=+64M /tmp), or add X to mksysb_flags, which lets mksysb do it",
        s.client.filesystems.raw,
    )


def large_files(s: CheckContext) -> Finding:
    """JFS2 takes large files always, JFS only where it was made so; NFS cannot be exported again (section 2.1)."""
    filesystem = s.directory().filesystem
    mounts = {row.mounted_on: row for row in s.on_master.mounts.need()}
    row = mounts.get(filesystem.mounted_on) if filesystem else None
    if row is None:
        return skip(f"mount does not show the file system of {s.path}", s.on_master.mounts.raw)
    evidence = f"{row.device} {row.mounted_on} {row.vfs} {','.join(row.options)}"
    if row.vfs == "jfs2":
        return ok(f"{row.mounted_on} is {row.vfs}", evidence)
    if row.vfs.startswith("nfs"):
        message = f"{row.mounted_on} is mounted from {row.node or row.device}: the master cannot export it to clients"
        return warn(message, "let `directory` be on a disk of the master", evidence)
    return warn(
        f"{row.mounted_on} is {row.vfs}: an image of 2 GB or more fails there unless large files are enabled",
        f"on the master: lsfs -q {row.mounted_on} must say bf: true; else use a JFS2 file system",
        evidence,
    )


def fsize(s: CheckContext) -> Finding:
    """``ulimit -f`` of both sides must let a file as large as the image be written (aix-nim section 5.3)."""
    sides = ((s.ref.master, s.on_master.fsize), (s.ref.client, s.client.fsize))
    limits = [(name, fact.value) for name, fact in sides if fact.value]
    known: list[Fact[int]] = [fact for _, fact in sides if fact.value is not None]
    if not limits:
        if not known:
            return skip(sides[1][1].why, sides[1][1].raw)
        return ok("unlimited" if len(known) == len(sides) else "unlimited where it could be asked")
    name, limit = min(limits, key=lambda side: side[1])
    message = f"files may not grow beyond {format_size(limit)} on {name}"
    fix = f"on {name}: chuser fsize=-1 root, then restart what works there as root (nimsh: stopsrc -s, startsrc -s)"
    evidence = f"ulimit -f: {limit // BLOCK} blocks of {BLOCK} bytes"
    needed = needed_bytes(s)
    if needed is not None and limit < needed:
        return refuse(FailureCode.WRITE_DENIED, f"{message}, and the image needs {format_size(needed)}", fix, evidence)
    return warn(message, fix, evidence)
