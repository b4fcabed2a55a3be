"""The simulated volume groups: the logical volumes of rootvg as lsvg and lsmksysb list them."""

from __future__ import annotations

_HEADER = "LV NAME             TYPE       LPs     PPs     PVs  LV STATE      MOUNT POINT\n"
_ROOTVG = (
    ("hd5", "boot", 1, "closed/syncd", "N/A"),
    ("hd6", "paging", 16, "open/syncd", "N/A"),
    ("hd8", "jfs2log", 1, "open/syncd", "N/A"),
    ("hd4", "jfs2", 40, "open/syncd", "/"),
    ("hd2", "jfs2", 160, "open/syncd", "/usr"),
    ("hd9var", "jfs2", 12, "open/syncd", "/var"),
    ("hd3", "jfs2", 64, "open/syncd", "/tmp"),
    ("hd1", "jfs2", 20, "open/syncd", "/home"),
    ("hd10opt", "jfs2", 13, "open/syncd", "/opt"),
    ("hd11admin", "jfs2", 2, "open/syncd", "/admin"),
)


def lv_table(group: str) -> str:
    """``lsvg -l GROUP``."""
    rows = _ROOTVG if group == "rootvg" else ((f"{group}lv", "jfs2", 1278, "open/syncd", f"/{group}"),)
    text = f"{group}:\n{_HEADER}"
    for name, kind, parts, state, mounted in rows:
        text += f"{name:<19} {kind:<10} {parts:<7} {parts:<7} 1    {state:<13} {mounted}\n"
    return text
