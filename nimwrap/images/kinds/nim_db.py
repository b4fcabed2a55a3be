"""Kind ``nim_db``: the master's own NIM database, as NIM itself saves it."""

from __future__ import annotations

import shlex

from nimwrap.images.kinds.base import OPAQUE, ImageKind, ImageOrder, Making, RestoreHint

BACKUP_DB = "/usr/lpp/bos.sysmgt/nim/methods/m_backup_db"  # peers section 4 (S2); the methods' directory: aix-nim 5.1
RESTORE_DB = "/usr/lpp/bos.sysmgt/nim/methods/m_restore_db"


class NimDb(ImageKind):
    """It goes first: the night's other images change the database."""

    name = "nim_db"
    resource_type = None
    extension = "nimdb"
    label = "nimdb"
    through_client = False
    machine_types = ("master",)
    proof = OPAQUE
    first = True
    master_tool = BACKUP_DB

    def making(self, order: ImageOrder) -> Making:
        return Making([BACKUP_DB, order.names.location])

    def restore_hint(self, location: str, name: str) -> RestoreHint:
        return RestoreHint(
            "bring back the NIM database",
            f"{RESTORE_DB} {shlex.quote(location)}",
            "On the master, once bos.sysmgt.nim.master is installed there and its clock and host name are right",
        )


KIND = NimDb()
