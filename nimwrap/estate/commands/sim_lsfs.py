"""/usr/sbin/lsfs [-q] PATH: type, size in 512-byte blocks, and with -q whether large files are enabled (``bf``)."""

from __future__ import annotations

from nimwrap.estate.filesystems import filesystems
from nimwrap.estate.machine import Machine


def main(me: Machine, args: list[str]) -> int:
    names = [word for word in args if not word.startswith("-")]
    found = [one for one in filesystems(me) if not names or one.mounted in names]
    if not found:
        me.err(f"lsfs: No record matching '{names[0]}' was found in /etc/filesystems.\n")
        return 1
    me.out("Name            Nodename   Mount Pt               VFS   Size    Options    Auto Accounting\n")
    for one in found:
        small = bool(me.fault("small_file_fs")) and one.device.startswith("/dev/fslv")
        vfs = "jfs" if small else one.vfs
        me.out(f"{one.device:<15} --         {one.mounted:<22} {vfs:<5} {one.size_kb * 2:<7} rw         yes  no \n")
        if "-q" in args and one.vfs != "procfs":
            size = one.size_kb * 2
            extra = "block size: 4096, sparse files: yes, inline log: no, EAformat: v1, VIX: yes"
            if vfs == "jfs":
                extra = f"frag size: 4096, nbpi: 4096, compress: no, bf: {'false' if small else 'true'}, ag: 64"
            me.out(f"  (lv size: {size}, fs size: {size}, {extra})\n")
    return 0
