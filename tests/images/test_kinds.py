"""Every kind of image through the same run: VIOS, volume groups, the NIM database, the master's own mksysb."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nimwrap.config.model import BackupPolicy
from nimwrap.images.kinds.base import ImageOrder
from nimwrap.images.kinds.registry import KINDS, home, image_names, kinds_of
from tests.house.variant import edited, variant
from tests.images.imagelab import Lab
from tests.running import Cli

MOMENT = datetime(2026, 11, 23, 1, 2, 3, tzinfo=UTC)
WANTED = {
    "aix01": {"kinds": ["mksysb", "savevg"], "volume_groups": ["datavg"]},
    "vios1": {"kinds": ["ios_mksysb", "ios_backup"]},
    "master": {"kinds": ["master_mksysb", "nim_db"]},
}


@pytest.mark.parametrize(
    ("kind", "client", "location"),
    [
        ("mksysb", "aix01", "/export/nim/mksysb/aix01/aix01_20261123_010203.mksysb"),
        ("savevg", "aix01", "/export/nim/mksysb/aix01/aix01_datavg_20261123_010203.savevg"),
        ("ios_backup", "vios1", "/export/nim/mksysb/vios1/vios1_iosb_20261123_010203.iosb"),
        ("nim_db", "master", "/export/nim/mksysb/master/master_nimdb_20261123_010203.nimdb"),
    ],
)
def test_places(kind: str, client: str, location: str) -> None:
    group = "datavg" if kind == "savevg" else ""
    names = image_names(kind, client, BackupPolicy(), MOMENT, group)
    assert names.location == location
    assert (names.resource is None) is (kind == "nim_db")
    made = KINDS[kind].making(ImageOrder(client, BackupPolicy(), names, group))
    assert any(location in word for word in made.argv)


def test_flat_layout_and_a_client_too_long_for_a_name() -> None:
    policy = BackupPolicy(layout="flat")
    assert home("aix01", policy) == "/export/nim/mksysb"
    names = image_names("savevg", "a" * 39, policy, MOMENT, "datavg")
    assert names.resource is not None
    assert len(names.resource) == 39


def test_savevg_needs_a_volume_group() -> None:
    with pytest.raises(ValueError, match="volume_groups"):
        KINDS["savevg"].making(
            ImageOrder("aix01", BackupPolicy(), image_names("savevg", "aix01", BackupPolicy(), MOMENT, ""))
        )


def test_what_a_client_runs_for_a_mount_of_our_own() -> None:
    for kind, row in KINDS.items():
        if row.through_client:
            names = image_names(kind, "aix01", BackupPolicy(), MOMENT, "datavg")
            assert "/mnt/x" in row.on_client(ImageOrder("aix01", BackupPolicy(), names, "datavg"), "/mnt/x")


def test_kinds_fit_the_machine_and_the_database_goes_first() -> None:
    policy = BackupPolicy(kinds=("mksysb", "master_mksysb", "nim_db"))
    assert kinds_of(policy, "aix01") == ("mksysb",)
    assert kinds_of(policy, "master") == ("nim_db", "master_mksysb")
    assert kinds_of(BackupPolicy(kinds=("nim_db",)), "aix01") == ("nim_db",)


@pytest.fixture
def all_kinds(lab_with: Callable[..., Lab]) -> Lab:
    return lab_with(clients=1, vios=True, clients_table=WANTED)


def test_a_fleet_run_makes_all_of_them_the_database_first(all_kinds: Lab, run_cli: Cli) -> None:
    ran = run_cli("backup", "--all", "--json", config=all_kinds.file)
    assert ran.exit_code == 0, ran
    assert {run["outcome"] for run in ran.data["runs"]} == {"ok"}
    rows = {row.kind: row for row in all_kinds.rows()}
    assert set(rows) == set(KINDS)
    assert all(row.verified and row.size_bytes == all_kinds.disk(row.location).stat().st_size for row in rows.values())
    assert rows["master_mksysb"].node == "nim"
    assert rows["nim_db"].created == min(row.created for row in rows.values())
    types = {name: one["type"] for name, one in all_kinds.estate.objects().items()}
    assert {types[row.resource] for row in rows.values() if row.resource} == {
        "mksysb",
        "savevg",
        "ios_mksysb",
        "ios_backup",
    }


def test_the_master_alone_and_what_can_go_wrong(all_kinds: Lab, run_cli: Cli) -> None:
    dry = run_cli("backup", "master", "--dry-run", config=all_kinds.file)
    assert dry.exit_code == 0
    assert "m_backup_db" in dry.stdout
    assert all_kinds.rows() == []
    assert run_cli("backup", "master", config=all_kinds.file).exit_code == 0
    all_kinds.disk("/usr/bin/mksysb").unlink()
    tool = all_kinds.disk("/usr/lpp/bos.sysmgt/nim/methods/m_backup_db")
    tool.write_text("#!/bin/sh\necho 'm_backup_db: cannot write' >&2; exit 1\n")
    ran = run_cli("backup", "master", "--json", config=all_kinds.file)
    outcomes = {run["outcome"]: run["failure"] for run in ran.data["runs"]}
    assert outcomes["refused"]["code"] == "nim_refused"
    assert "/usr/bin/mksysb is not on the master" in outcomes["refused"]["message"]
    assert "cannot write" in outcomes["failed"]["message"]
    directory = all_kinds.disk("/export/nim/mksysb/master")
    assert len([path for path in directory.iterdir() if path.suffix != ".json"]) == 2


def test_a_master_without_local_kinds_is_no_client(lab: Lab, run_cli: Cli) -> None:
    assert run_cli("backup", "master", config=lab.file).exit_code == 2


TOY = '''\
"""Kind ``toy``: what the master calls its hosts."""

from nimwrap.images.kinds.base import OPAQUE, ImageKind, ImageOrder, Making


class Toy(ImageKind):
    name = "toy"
    resource_type = None
    extension = "toy"
    label = "toy"
    through_client = False
    machine_types = ("master",)
    proof = OPAQUE
    first = True
    master_tool = "/usr/bin/mksysb"

    def making(self, order: ImageOrder) -> Making:
        return Making(["cp", "/etc/hosts", order.names.location])


KIND = Toy()
'''


def test_a_new_kind_is_its_module_and_its_name_in_the_configuration(
    lab_with: Callable[..., Lab], run_cli: Cli, tmp_path: Path
) -> None:
    changed = edited("config/model.py", '"master_mksysb")', '"master_mksysb", "toy")') | {"images/kinds/toy.py": TOY}
    assert len(changed) == 2
    env = variant(tmp_path / "variant", changed)
    lab = lab_with(clients=1, cluster=False)
    plain = lab.file.read_text()
    text = plain + "[clients.master]\nkinds = ['toy', 'nim_db']\nkeep = 1\n"
    lab.file.write_text(text)
    toys = [
        run_cli(*words, config=lab.file, env=env)
        for words in (
            ("config", "validate"),
            ("check", "master", "--json"),
            ("backup", "master", "--json"),
            ("backup", "master", "--json"),
            ("images", "verify", "master", "--full", "--json"),
            ("images", "list", "master", "--json"),
            ("status", "--json"),
        )
    ]
    assert [ran.exit_code for ran in toys[:-1]] == [0] * 6, toys
    assert [(run["kind"], run["outcome"]) for run in toys[3].data["runs"]] == [("toy", "ok"), ("nim_db", "ok")]
    listed = {image["kind"]: image for image in toys[5].data["images"]}
    assert set(listed) == {"toy", "nim_db"} and len(toys[5].data["images"]) == 2, "the older ones went"
    assert listed["toy"]["location"].endswith(".toy") and listed["toy"]["verified"]
    lab.file.write_text(plain)
    hint = run_cli("backup", "master", config=lab.file, env=env)
    assert hint.exit_code == 2 and '"toy"' in hint.stderr + hint.stdout
