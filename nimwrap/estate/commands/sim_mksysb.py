"""/usr/bin/mksysb and savevg: write an image progressively, through a mount or to a local file.

Run by NIM (``ESTATE_NIM`` in the environment) the messages say ``savevg:`` and ``N of M files (P%)``, run by hand
``mksysb:`` and ``files backed up`` (reference aix-nim section 2.3 point 6). Killed, it leaves what it had written.
"""

from __future__ import annotations

import os
import time

from nimwrap.estate import image, net, nfs
from nimwrap.estate.faulty import faulty_header, is_done_with, is_held, is_idle
from nimwrap.estate.filesystems import MountedFilesystem, filesystem, free_kb, mount_of
from nimwrap.estate.hooks import hook
from nimwrap.estate.machine import Machine
from nimwrap.estate.sink import DENIED, NO_SPACE, STALE, TOO_LARGE, WriteError, open_sink
from nimwrap.estate.stdlib import NamedTuple

_WITH_VALUE = "bFPtxf"


class _Job(NamedTuple):
    me: Machine
    target: str
    flags: str
    volume_group: str
    by_nim: bool

    @property
    def program(self) -> str:
        return "savevg" if self.by_nim or self.me.command == "savevg" else "mksysb"

    @property
    def backed_up(self) -> str:
        return "files" if self.program == "savevg" else "files backed up"


def changes(_command: str, _args: list[str]) -> bool:
    return True


def main(me: Machine, args: list[str]) -> int:
    """``mksysb [-flags] FILE`` / ``savevg [-flags] -f FILE VG``."""
    job = _parse(me, args)
    if job is None:
        me.err(f"Usage: {me.command} [-b Number] [-e] [-i] [-m] [-p] [-v] [-X] Device\n")
        return 1
    if is_idle():
        me.hang(lambda: bool(me.fault("client_busy")))
        return 0
    if me.fault("rootvg_locked"):
        return _wait_for_lock(me)
    me.state.change(f"writers-{me.name}", lambda held: held.update({str(os.getpid()): job.target}))
    try:
        return _back_up(job)
    finally:
        me.state.change(f"writers-{me.name}", lambda held: held.pop(str(os.getpid()), None) and None)


def _parse(me: Machine, args: list[str]) -> _Job | None:
    flags, target, words, rest = "", "", [], list(args)
    while rest:
        word = rest.pop(0)
        if not word.startswith("-") or word == "-":
            words.append(word)
            continue
        for at, letter in enumerate(word[1:], 1):
            flags += letter
            if letter in _WITH_VALUE:
                value = word[at + 1 :] or (rest.pop(0) if rest else "")
                target = value if letter == "f" else target
                break
    group = "rootvg"
    if me.command == "savevg":
        group = words[0] if words else "rootvg"
    elif words:
        target = words[0]
    if not target:
        return None
    if not target.startswith("/"):
        target = me.paths.outward(os.path.join(os.getcwd(), target))
    return _Job(me, target, flags, group, bool(os.environ.get("ESTATE_NIM")))


def _wait_for_lock(me: Machine) -> int:
    _say(
        me,
        "0516-1201 lsvg: Warning: Volume group rootvg is locked. This command\n"
        "        will continue retries until lock is free.  If lock is inadvertent\n"
        "        and needs to be removed, execute 'chvg -u rootvg'.\n",
        stream=2,
    )
    me.hang(lambda: bool(me.fault("rootvg_locked")))
    return 1


def header_of(me: Machine, flags: str, volume_group: str, kind: str = "mksysb") -> image.Header:
    """What an honest image of this machine says of itself."""
    return image.Header(
        node=me.facts["node"],
        machine_id=me.facts["machine_id"],
        date=time.strftime("%a %b %d %H:%M:%S %Z %Y"),
        oslevel=me.facts["oslevel"],
        volume_group=volume_group,
        flags=flags,
        files=int(me.setting("files", 1200)),
        size=image_size(me),
        kind=kind,
    )


def image_size(me: Machine) -> int:
    """How large this machine's image becomes, in bytes."""
    sizes = me.setting("image_sizes", {})
    return int(sizes.get(me.name, me.setting("image_size", 262144)))


def _back_up(job: _Job) -> int:
    me = job.me
    if job.flags and ("i" in job.flags or "m" in job.flags):
        _say(me, f"\nCreating information file (/image.data) for {job.volume_group}.\n")
        if job.volume_group == "rootvg":
            me.write("/image.data", _image_data(me))
    header = faulty_header(me, header_of(me, job.flags, job.volume_group))
    _say(me, "\nCreating list of files to back up" + (".\n." if job.program == "savevg" else "\n"))
    _say(me, f"\nBacking up {header.files} files")
    try:
        _write(job, header)
    except WriteError as error:
        _say(me, f"\nbackup: 0511-089 Cannot write to {job.target}:\n{error}\n", stream=2)
        _say(me, f"0512-008 {job.program}: The image was not created.\n", stream=2)
        return 1
    _say(me, f"\n\n{header.files} of {header.files} {job.backed_up} (100%)\n")
    return _conclude(job)


def _conclude(job: _Job) -> int:
    """The last lines: 0512-038, with 0512-003 before it or instead of it when files were left out."""
    me = job.me
    warning = me.fault("archive_warning")
    if warning:
        _say(
            me,
            "backup: 0511-449 An error occurred accessing .\n./tmp/passing.file:\n"
            "A file or directory in the path name does not exist.\n"
            f"0512-003 {job.program} may not have been able to archive some files.\n"
            "        The messages displayed on the Standard Error\n"
            "        contained additional information.\n",
            stream=2,
        )
    if warning == "failed":
        return 1
    if me.fault("no_image_rc0"):
        os.unlink(me.path(job.target))
    _say(me, f"0512-038 {job.program}: Backup Completed Successfully.\n")
    return 0


def _write(job: _Job, header: image.Header) -> None:
    """All portions of the image at the estate's rate, with each trouble that a switch or the server makes."""
    me, steps = job.me, int(job.me.setting("steps", 8))
    rate = float(me.setting("rate", 0))
    _permit(job)
    out = open_sink(me, job.target)
    written = 0
    try:
        for number, portion in enumerate(image.parts(header, steps)):
            share = written / header.size
            if is_done_with(me, share):
                break
            _be_hindered(job, share)
            _permit(job, share=share, size=len(portion))
            out.write(portion)
            written += len(portion)
            _progress(job, header.files, written / header.size, first=number == 0)
            if rate:
                time.sleep(len(portion) / rate)
    finally:
        out.close()


def _be_hindered(job: _Job, share: float) -> None:
    """Stay here as long as something holds the job: a test's word, a dead NFS server, or NIM's own hang."""
    me = job.me
    if is_held(me, share):
        me.hang(lambda: is_held(me, share))
    if share >= 0.4 and me.fault("nfs_stall") and mount_of(me, job.target):
        me.hang(lambda: bool(me.fault("nfs_stall")))
    if share >= 0.4 and job.by_nim and me.fault("nim_hang_midway"):
        me.hang(lambda: bool(me.fault("nim_hang_midway")))


def _permit(job: _Job, *, share: float = 0.0, size: int = 0) -> None:
    """Ask the file system or the NFS server whether the next portion may be written; raises WriteError."""
    me, held = job.me, mount_of(job.me, job.target)
    server = me.peer(held.server) if held else me
    directory = (held.directory if held else job.target.rsplit("/", 1)[0]) or "/"
    if held:
        _permit_nfs(me, server, held)
    full = server.fault("disk_full") or me.fault("disk_full")
    if full and share >= (0.5 if full is True else float(full)):
        raise WriteError(NO_SPACE)
    small = filesystem(server, directory).vfs == "jfs" or server.fault("small_file_fs")
    if small and share >= 0.5:
        raise WriteError(TOO_LARGE)
    if size and free_kb(server, filesystem(server, directory)) * 1024 < size:
        raise WriteError(NO_SPACE)


def _permit_nfs(me: Machine, server: Machine, held: MountedFilesystem) -> None:
    if hook(me, "write"):
        return  # the real server decides
    address = net.lookup(me, held.node)
    right = nfs.right(server, held.directory, net.tcp_source_towards(me, address) or "" if address else "")
    if right.export is None:
        raise WriteError(STALE)
    if not (right.mount and right.write and right.root) or me.fault("write_denied"):
        raise WriteError(DENIED)


def _progress(job: _Job, files: int, share: float, *, first: bool) -> None:
    if first or share >= 1:
        _say(job.me, "." * 6)
        return
    done = min(files - 1, int(files * share))
    _say(job.me, f"\n{done} of {files} {job.backed_up} ({100 * done // files}%)" + "." * 6)


def _image_data(me: Machine) -> str:
    date = time.strftime("%a %b %d %H:%M:%S %Z %Y")
    release = me.facts["oslevel"]
    return (
        f"image_data:\n\tIMAGE_TYPE= bff\n\tDATE_TIME= {date}\n"
        f"\tUNAME_INFO= AIX {me.facts['node']} {release[1]} {release[0]} {me.facts['machine_id']}\n"
        f"\tPLATFORM= chrp\n\tOSLEVEL_R= {release[:7]}\n\tCPU_ID= {me.facts['machine_id']}\n"
    )


def _say(me: Machine, text: str, stream: int = 1) -> None:
    """Print; when nobody listens any more the work goes on (the master's nim may be gone)."""
    try:
        (me.out if stream == 1 else me.err)(text)
    except OSError:
        return
