"""/usr/sbin/lsvg [-l] VG: on a locked rootvg it warns 0516-1201 and waits for ever (reference aix-nim section 5.4)."""

from __future__ import annotations

from nimwrap.estate.machine import Machine
from nimwrap.estate.volumes import lv_table

_LOCKED = (
    "0516-1201 lsvg: Warning: Volume group rootvg is locked. This command\n"
    "        will continue retries until lock is free.  If lock is inadvertent\n"
    "        and needs to be removed, execute 'chvg -u rootvg'.\n"
)
_DESCRIPTION = """\
VOLUME GROUP:       rootvg                   VG IDENTIFIER:  {id}0000d600000001119e467657
VG STATE:           active                   PP SIZE:        32 megabyte(s)
VG PERMISSION:      read/write               TOTAL PPs:      799 (25568 megabytes)
MAX LVs:            256                      FREE PPs:       470 (15040 megabytes)
LVs:                10                       USED PPs:       329 (10528 megabytes)
OPEN LVs:           9                        QUORUM:         2 (Enabled)
TOTAL PVs:          1                        VG DESCRIPTORS: 2
STALE PVs:          0                        STALE PPs:      0
ACTIVE PVs:         1                        AUTO ON:        yes
"""


def main(me: Machine, args: list[str]) -> int:
    """Without a name the volume groups; ``-o`` the active ones."""
    names = [word for word in args if not word.startswith("-")]
    groups = ["rootvg", *(["caavg_private", "appvg"] if me.facts["role"] == "node" else [])]
    groups += [group for group in me.state.read("spare_disks").get(me.name, {}).values() if group]
    if not names:
        me.out("".join(f"{name}\n" for name in groups))
        return 0
    if names[0] not in groups:
        me.err(
            f"0516-306 lsvg: Unable to find volume group {names[0]} in the Device\n        Configuration Database.\n"
        )
        return 1
    if names[0] == "rootvg" and me.fault("rootvg_locked"):
        me.err(_LOCKED)
        me.hang(lambda: bool(me.fault("rootvg_locked")))
        return 1
    if "-l" in args:
        me.out(lv_table(names[0]))
    else:
        me.out(_DESCRIPTION.format(id=me.facts["machine_id"].lower()).replace("rootvg", names[0], 1))
    return 0
