"""What a backup has left behind, and what it has not."""

from __future__ import annotations

from typing import Any

from nimwrap.estate import Estate
from nimwrap.images.kit.kit_names import is_kit_file
from tests.running import Ran

SERVICE, BOOT = "10.10.10.102", "10.10.10.101"


def outside(snapshot: dict[str, str], below: str) -> set[tuple[str, str]]:
    """The files of a snapshot, without those of a path."""
    return {(path, digest) for path, digest in snapshot.items() if below not in path}


def only_run(ran: Ran) -> dict[str, Any]:
    (run,) = ran.data["runs"]
    return dict(run)


def nothing_left(estate: Estate, *images: str) -> bool:
    """No file of ours on any host but the images themselves, nothing mounted, the spool empty."""
    master = estate.files("nim")
    below = [
        path for path in (master / "export/nim/mksysb").rglob("*") if path.is_file() and not is_kit_file(str(path))
    ]
    assert sorted(str(path.relative_to(master)) for path in below) == sorted(image.lstrip("/") for image in images)
    spool = master / "var/adm/nimwrap"
    left = (
        [path for path in spool.rglob("*") if path.name not in ("locks", "slots", "limits")] if spool.exists() else []
    )
    assert left == []
    for host in ("powerha1", "powerha2"):
        assert estate.mounts(host) == []
        assert list((estate.files(host) / "tmp").glob("nimwrap*")) == []
    return True


def writing(estate: Estate) -> bool:
    return any(path.stat().st_size > 0 for path in (estate.files("nim") / "export/nim/mksysb").rglob("*.mksysb"))
