"""Copies by a program on the control host: the image comes to its standard input, and is counted on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.history.model import ImageRow
from tests.images.imagelab import Lab
from tests.running import Cli

VAULT = """\
#!/bin/sh
mkdir -p {root}/$(dirname "$2")
case $1 in
store) {store} ;;
check) sha256sum < {root}/$2 | cut -d' ' -f1 ;;
remove) rm {root}/$2 ;;
esac
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "objects"


def program(root: Path, store: str = 'cat > {root}/$2; echo "$3" > {root}.said') -> Path:
    path = root.with_name("vault")
    path.write_text(VAULT.format(root=root, store=store.format(root=root)))
    path.chmod(0o755)
    return path


def place(root: Path, **more: Any) -> dict[str, Any]:
    vault, name = str(root.with_name("vault")), "{client}/{name}"
    words = {
        "store": [vault, "store", name, "{size}"],
        "check": [vault, "check", name],
        "remove": [vault, "remove", name],
    }
    return {"kind": "command", "on": "control", "keep": 1, **words, **more}


def recent(lab: Lab, age: float = 1) -> ImageRow:
    return lab.make("aix01", age, created=datetime.now(UTC) - timedelta(days=age))


def copies(lab: Lab, run_cli: Cli) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = run_cli("images", "copies", "--json", config=lab.file).data["copies"]
    return found


def test_the_image_is_streamed_proven_listed_and_dropped(
    lab_with: Callable[..., Lab], run_cli: Cli, root: Path
) -> None:
    program(root)
    lab = lab_with(copies={"vault": place(root, fetch=["/usr/local/bin/bring", "{client}/{name}"])})
    row = recent(lab, 2)
    assert run_cli("images", "copy", config=lab.file).exit_code == 0
    (copy,) = copies(lab, run_cli)
    stored, image = root / "aix01" / f"{row.resource}.mksysb", lab.disk(row.location).read_bytes()
    assert stored.read_bytes() == image
    assert copy["checksum"] == f"sha256:{hashlib.sha256(image).hexdigest()}"
    assert root.with_name("objects.said").read_text().strip() == str(len(image))
    assert json.loads(stored.with_suffix(".json").read_text())["checksum"].startswith("cksum:")
    assert "How to restore aix01" in stored.with_suffix(".RESTORE.txt").read_text()
    assert run_cli("images", "verify", "--copies", config=lab.file).exit_code == 0

    recent(lab, 1)
    ran = run_cli("images", "copy", "--json", config=lab.file)
    assert [each["removed"] for each in ran.data["removals"]] == [True]
    assert not list(stored.parent.glob(f"{row.resource}*")), "its manifest goes with it"

    kept = copies(lab, run_cli)[0]
    for each in lab.rows():
        lab.disk(each.location).unlink()
    plan = run_cli("images", "restore-plan", "aix01", "--json", config=lab.file).data["plan"]
    assert plan["image"]["copy"] == "vault"
    steps = [step["command"] for step in plan["steps"]]
    assert f"/usr/local/bin/bring {kept['location']} > {Path(kept['location']).name}" in steps


@pytest.mark.parametrize("store", ["head -c 1000 > {root}/$2", "exit 3", "cat > /dev/null; sleep 0; kill $$"])
def test_a_program_that_takes_less_is_not_believed(
    lab_with: Callable[..., Lab], run_cli: Cli, root: Path, store: str
) -> None:
    program(root, store)
    lab = lab_with(copies={"vault": place(root)})
    recent(lab)
    ran = run_cli("images", "copy", "--json", config=lab.file)
    assert (ran.exit_code, ran.codes) == (1, ["copy_failed"]), ran
    assert copies(lab, run_cli)[0]["state"] == "failed"
    program(root)
    assert run_cli("images", "copy", config=lab.file).exit_code == 0


def test_half_an_image_never_comes_to_its_end(lab_with: Callable[..., Lab], run_cli: Cli, root: Path) -> None:
    """The master's cat dies: the program is ended before it could take what it has for the whole."""
    program(root, "cat > {root}/$2.taken && mv {root}/$2.taken {root}/$2")
    lab = lab_with(copies={"vault": place(root)})
    row = recent(lab)
    cat = lab.disk("/usr/bin/cat")
    real = cat.resolve()
    cat.unlink()
    cat.write_text(f'#!/bin/sh\ncase $1 in *.mksysb) head -c 100000 "$1"; kill -9 $$ ;; esac\nexec {real} "$@"\n')
    cat.chmod(0o755)
    ran = run_cli("images", "copy", "--json", config=lab.file)
    assert (ran.exit_code, ran.data["copies"][0]["state"]) == (1, "failed"), ran
    assert not (root / "aix01" / f"{row.resource}.mksysb").exists()
    cat.unlink()
    cat.symlink_to(real)
    assert run_cli("images", "copy", config=lab.file).exit_code == 0


def test_an_image_that_is_not_what_was_proven_is_never_called_copied(
    lab_with: Callable[..., Lab], run_cli: Cli, root: Path
) -> None:
    program(root)
    lab = lab_with(copies={"vault": place(root)})
    row = recent(lab)
    with lab.disk(row.location).open("r+b") as file:
        file.seek(5000)
        file.write(b"\0\0\0\0")
    ran = run_cli("images", "copy", "--json", config=lab.file)
    assert (ran.exit_code, ran.data["copies"][0]["state"]) == (1, "failed")
    assert "checksum" in ran.data["copies"][0]["reason"]
