"""The package for auditors: what is in it, that its sums and signature hold by the real tools, and that it is whole."""

from __future__ import annotations

import csv
import json
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from nimwrap.estate import Estate
from tests.running import Cli, ConfigWriter

TABLES = [
    *("policy", "client_policies", "clients", "slots", "runs", "verifications"),
    *("copies", "drills", "removals", "export_changes", "acts", "hooks"),
]
HOSTILE = "=cmd|'/C calc'!A0 <script>alert(1)</script>"


def keygen(*words: str, said: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["ssh-keygen", *words], input=said, capture_output=True, check=False)


def a_key(at: Path, passphrase: str = "") -> Path:
    assert keygen("-q", "-t", "ed25519", "-N", passphrase, "-C", "nimwrap", "-f", str(at)).returncode == 0
    return at


def verified(package: Path, signers: Path) -> bool:
    """As docs/evidence.md tells an auditor to do it."""
    sums = subprocess.run(["sha256sum", "-c", "SHA256SUMS"], cwd=package, capture_output=True, check=False)
    words = ("-Y", "verify", "-f", str(signers), "-I", "nimwrap", "-n", "nimwrap-evidence")
    signature = keygen(*words, "-s", str(package / "SHA256SUMS.sig"), said=(package / "SHA256SUMS").read_bytes())
    return sums.returncode == 0 and signature.returncode == 0


class Words(HTMLParser):
    """The text of a page, and the elements in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_signed_package_holds_all_that_was_done_and_is_never_overwritten(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    estate.instant()
    hook = '\n[[hooks]]\nwhen = "before"\nrun = ["/bin/echo", "quiet please"]\n'
    copies = {"second": {"kind": "path", "directory": "/export/copies"}}
    config = estate_config(backup={"keep": 1}, copies=copies)
    config.write_text(config.read_text() + hook)
    alice = {"SUDO_USER": "alice"}
    run_cli("hold", "aix02", "--reason", HOSTILE, config=config, env=alice)
    for _ in range(2):
        assert run_cli("backup", "powerha1", config=config, env=alice).exit_code == 0
    key, package = a_key(tmp_path / "key"), tmp_path / "package"
    made = run_cli("report", "--evidence", package, "--sign-key", key, "--json", config=config, env=alice)
    assert (made.exit_code, made.data["signed"], made.data["path"]) == (0, True, str(package))
    names = [f"{name}.csv" for name in TABLES] + ["evidence.html", "evidence.json", "SHA256SUMS", "SHA256SUMS.sig"]
    assert sorted(path.name for path in package.iterdir()) == sorted(names) == made.data["files"]
    signers = tmp_path / "allowed_signers"
    signers.write_text(f"nimwrap {key.with_name('key.pub').read_text()}")
    assert verified(package, signers)

    told = json.loads((package / "evidence.json").read_text())
    assert (told["by"], told["altered_events"]) == ("alice", [])
    assert [run["actor"] for run in told["runs"]] == ["alice", "alice"]
    assert {row["key"]: row["value"] for row in told["policy"]}["backup.keep"] == "1"
    assert {row["client"]: row["keep"] for row in told["client_policies"]}["powerha1"] == 1
    clients = {row["client"]: row for row in told["clients"]}
    assert clients.keys() == {"powerha1", "powerha2", "aix01", "aix02"}
    assert clients["aix02"]["hold"] == HOSTILE
    assert clients["aix01"]["reason_codes"] == ["never_backed_up"]
    changes = {row["id"]: row for row in run_cli("exports", "list", "--json", config=config).data["changes"]}
    assert {(row["opened"], row["closed"]) for row in told["export_changes"]} == {
        (change["applied"], change["reverted"]) for change in changes.values()
    }
    assert all(row["open_s"] >= 0 and row["actor"] == "alice" for row in told["export_changes"])
    assert len(told["verifications"]) == 2
    assert all(row["verified"] and row["verified_by"] for row in told["verifications"])
    assert [row["act"] for row in told["removals"]].count("remove") == 1
    assert {row["state"] for row in told["copies"]} >= {"ok"}
    assert [(row["state"], row["returncode"]) for row in told["hooks"]] == [("begins", None), ("ended", 0)] * 2
    assert {"hold", "backup", "copy", "remove", "export_change"} <= {row["act"] for row in told["acts"]}
    for name in TABLES:
        rows = list(csv.DictReader((package / f"{name}.csv").read_text().splitlines(keepends=True)))
        assert len(rows) == len(told[name])
        assert all(not cell.startswith(("=", "+", "@")) for row in rows for cell in row.values() if cell)
    page = Words((package / "evidence.html").read_text())
    assert HOSTILE in page.text
    assert not page.tags & {"script", "img", "link", "iframe"}

    before = {path.name: path.read_bytes() for path in package.iterdir()}
    again = run_cli("report", "--evidence", package, "--sign-key", key, "--json", config=config)
    assert (again.exit_code, again.codes) == (2, ["usage"])
    assert {path.name: path.read_bytes() for path in package.iterdir()} == before
    (package / "runs.csv").write_bytes(before["runs.csv"].replace(b"alice", b"mally"))
    assert not verified(package, signers)
    (package / "runs.csv").write_bytes(before["runs.csv"])
    (package / "SHA256SUMS").write_bytes(before["SHA256SUMS"].replace(b"a", b"b", 1))
    assert not verified(package, signers)


def test_what_cannot_be_signed_is_not_written(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    locked, package = a_key(tmp_path / "locked", "a passphrase"), tmp_path / "out" / "package"
    package.parent.mkdir()
    config = estate_config(report={"sign_key": str(locked)})
    refused = run_cli("report", "--evidence", package, "--json", config=config)
    assert refused.exit_code == 1
    assert "cannot be signed" in refused.json["errors"][0]["message"]
    missing = run_cli("report", "--evidence", package, "--sign-key", tmp_path / "none", "--json", config=config)
    assert (missing.exit_code, missing.codes) == (2, ["usage"])
    assert list(package.parent.iterdir()) == []
    package.mkdir()
    unsigned = run_cli("report", "--evidence", package, "--json", config=estate_config())
    assert (unsigned.exit_code, unsigned.data["signed"]) == (0, False)
    assert "SHA256SUMS.sig" not in unsigned.data["files"]
    nowhere = run_cli("report", "--evidence", tmp_path / "no" / "such", "--json", config=estate_config())
    assert (nowhere.exit_code, len(nowhere.json["errors"])) == (1, 1)


def test_an_altered_event_is_told_in_the_package(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    config = estate_config()
    run_cli("hold", "aix01", "--reason", "disk swap", config=config)
    database = tmp_path / "estate" / "nimwrap" / "history.db"
    subprocess.run(
        [
            "python3",
            "-c",
            "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); "
            "c.execute(\"update events set actor = 'mallory'\"); c.commit()",
            str(database),
        ],
        check=True,
    )
    made = run_cli("report", "--evidence", tmp_path / "package", "--json", config=config)
    assert made.exit_code == 0
    assert [warning["code"] for warning in made.json["warnings"]] == ["altered_events"]
    (told,) = json.loads((tmp_path / "package" / "evidence.json").read_text())["altered_events"]
    assert told.startswith("event 1 ")


def test_what_contradicts_a_package_is_refused(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    config, page = estate_config(), tmp_path / "page.html"
    for words in (("--output", page, "--evidence", tmp_path / "x"), ("--sign-key", page)):
        assert run_cli("report", *words, config=config).exit_code == 2
    assert not (tmp_path / "x").exists()
