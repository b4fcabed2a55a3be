"""/usr/bin/getconf FILESIZEBITS DIR and a few others: 32 where large files are not enabled."""

from __future__ import annotations

from nimwrap.estate.filesystems import filesystem
from nimwrap.estate.machine import Machine

_PLAIN = {"KERNEL_BITMODE": "64", "MACHINE_ARCHITECTURE": "chrp", "ARG_MAX": "1048576", "PAGE_SIZE": "4096"}


def main(me: Machine, args: list[str]) -> int:
    if args[:1] == ["FILESIZEBITS"] and len(args) > 1:
        one = filesystem(me, args[1])
        small = one.vfs == "jfs" or (me.fault("small_file_fs") and one.device.startswith("/dev/fslv"))
        me.out("32\n" if small else "64\n")
        return 0
    value = _PLAIN.get(args[0]) if args else None
    if value is None:
        me.err("getconf: Invalid argument\n")
        return 1
    me.out(f"{value}\n")
    return 0
