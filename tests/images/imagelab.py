"""An estate, a history and hands to make images with, for everything that happens to an image after it is made."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nimwrap.config.load import load
from nimwrap.estate import Estate
from nimwrap.history.model import ImageRow
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from nimwrap.hosts.connect import open_master
from nimwrap.images.kinds.base import ImageOrder
from nimwrap.images.kinds.registry import KINDS, image_names
from nimwrap.images.verification import Expectation, Proof, prove
from nimwrap.master_context import MasterContext
from tests.cutting import refuse
from tests.estates import built

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class Lab:
    """One master with its images. ``make`` backs a client up as NIM does, ``age`` days ago as far as rows tell."""

    def __init__(self, root: Path, **keys: Any) -> None:
        spec = {
            name: keys.pop(name)
            for name in ("clients", "vios", "image_size", "cluster", "second_master")
            if name in keys
        }
        self.estate: Estate = built(root / "estate", **({"clients": 2, "cluster": False} | spec))
        self.file = root / "nimwrap.toml"
        self.configure(**keys)
        self.store = Store.open(self.config.database)
        self.reader = Reader.open(self.config.database)
        self.host = open_master(self.config.masters["nim"])

    def close(self) -> None:
        """Close the history."""
        self.reader.close()
        self.store.close()

    def configure(self, **keys: Any) -> None:
        """Write the configuration anew; ``clients_table`` stands for its table [clients]."""
        keys |= {"clients": keys.pop("clients_table")} if "clients_table" in keys else {}
        self.file.write_text(self.estate.config(**keys))
        self.config = load(self.file)

    @property
    def context(self) -> MasterContext:
        return MasterContext(self.host, self.config.masters["nim"], self.config, self.store, self.reader)

    def run(self, *argv: str) -> str:
        result = self.host.run(shlex.join(argv))
        assert result.succeeded, result
        return result.stdout

    def estate_run(self, host: str, script: str) -> int:
        """The status of a script on any host of the estate."""
        return subprocess.run([self.estate.shell(host), "-c", script], check=False, capture_output=True).returncode

    def define(self, name: str, location: str) -> None:
        """Make a file an mksysb resource, as an administrator would."""
        self.run(
            "/usr/sbin/nim", "-o", "define", "-t", "mksysb", "-a", "server=master", "-a", f"location={location}", name
        )

    def undefine(self, name: str) -> None:
        """Remove a resource; its file stays."""
        self.run("/usr/sbin/nim", "-o", "remove", name)

    def attempt(self, client: str, days: float = 0, kind: str = "mksysb", **more: Any) -> tuple[Expectation, str]:
        """Make one image with NIM and say what is expected of it."""
        policy = self.config.policy("nim", client)
        names = image_names(kind, client, policy, NOW - timedelta(days=days), more.pop("volume_group", ""))
        wanted = KINDS[kind].making(ImageOrder(client, policy, names, "datavg" if kind == "savevg" else ""))
        self.run("mkdir", "-p", names.location.rpartition("/")[0])
        made = self.host.run(wanted.command, timeout=60)
        define = KINDS[kind].define(names)
        if define and not KINDS[kind].defines_itself:
            self.run(*define)
        node = "nim" if client == "master" else client
        machine = self.estate.machine(node).facts["machine_id"]
        expected = Expectation(
            kind,
            names.location,
            names.resource,
            made.returncode,
            made.stdout + made.stderr,
            node=node,
            machine_id=machine,
        )
        return replace(expected, **more), names.location

    def make(self, client: str = "aix01", days: float = 0, kind: str = "mksysb", **row: Any) -> ImageRow:
        expected, location = self.attempt(client, days, kind)
        proof = prove(self.host, expected)
        assert proof.good, proof
        return self.record(
            client, kind, expected, proof, location=location, **{"created": NOW - timedelta(days=days)} | row
        )

    def record(self, client: str, kind: str, expected: Expectation, proof: Proof, **row: Any) -> ImageRow:
        number = self.store.add_image(
            **{
                "client": client,
                "master": "nim",
                "kind": kind,
                "resource": expected.resource,
                "size_bytes": proof.size_bytes,
                "outcome": proof.outcome,
                "verified": proof.good,
                "verified_by": list(proof.verified_by),
                "verified_at": NOW,
                "node": proof.node,
                "machine_id": proof.machine_id,
                "oslevel": proof.oslevel,
                "file_count": proof.file_count,
                "cksum": proof.cksum,
                **row,
            }
        )
        return self.row(number)

    def row(self, number: int) -> ImageRow:
        return self.reader.images_by_id([number])[0]

    def rows(self, client: str | None = None) -> list[ImageRow]:
        return self.reader.images("nim", client)

    def disk(self, location: str) -> Path:
        """The file behind a place on the master."""
        return self.estate.files("nim") / location.lstrip("/")

    def resources(self, type_: str = "mksysb") -> dict[str, str]:
        return {name: one["location"] for name, one in self.estate.objects().items() if one.get("type") == type_}

    def nim_refuses(self, pattern: str) -> None:
        """From now on the master's nim refuses every call whose words match the shell pattern; "" ends that."""
        refuse(self.disk("/usr/sbin/nim"), pattern, "0042-001 nim: refused")

    def prove(self, expected: Expectation) -> Proof:
        return prove(self.host, expected)
