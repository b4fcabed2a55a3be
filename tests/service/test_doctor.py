"""The doctor finds each fault of an installation and names its fix; it changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from nimwrap.domain.records import Run
from nimwrap.estate import Estate, nimdb
from nimwrap.history.sqlite.store import Store
from tests.running import Cli, ConfigWriter, Ran


def checks(ran: Ran) -> dict[str, dict[str, str]]:
    """By name; the worst of several of one name."""
    order = ("skipped", "ok", "warning", "failed")
    return {one["check"]: one for one in sorted(ran.data["checks"], key=lambda one: order.index(one["status"]))}


def test_a_sound_installation(estate: Estate, estate_config: ConfigWriter, run_cli: Cli) -> None:
    config = estate_config()
    run_cli("status", "--refresh", config=config)
    before = len(estate.log())
    found = run_cli("doctor", "--json", config=config)
    assert found.exit_code == 0
    seen = checks(found)
    assert {one["check"] for one in seen.values() if one["status"] == "failed"} == set()
    for check in ("python", "sqlite", "libraries", "configuration", "history", "reach:nim", "clock:nim", "spool:nim"):
        assert seen[check]["status"] == "ok", seen[check]
    assert "bos.sysmgt.nim.master 7." in seen["nim_level:nim"]["message"]
    assert seen["clients:nim"]["message"].startswith("4 clients")
    assert seen["schedules"]["fix"]
    asked = [logged.argv[0].rpartition("/")[2] for logged in estate.log()[before:]]
    assert "nim" not in asked  # nothing that could change anything
    assert all(one["fix"] for one in seen.values() if one["status"] in ("warning", "failed"))


def test_an_alternate_master_is_recognised(estate: Estate, estate_config: ConfigWriter, run_cli: Cli) -> None:
    """On the active one, where it is configured too, and on the alternate one itself."""
    config, nim = estate_config(), estate.machine("nim")
    nimdb.change(nim, lambda known: known.update(nim2={"class": "machines", "type": "alternate_master"}))
    seen = checks(run_cli("doctor", "--json", config=config))["alternate:nim"]
    assert seen["status"] == "warning" and "[masters.nim2]" in seen["fix"]
    named = config.read_text().replace("[masters.nim]", '[masters.nim2]\ntransport = "local"\n[masters.nim]')
    config.write_text(named)
    assert checks(run_cli("doctor", "--json", config=config))["alternate:nim"]["status"] == "ok"
    nimdb.set_attributes(nim, "master", is_alternate="yes")
    seen = checks(run_cli("doctor", "--json", config=estate_config()))["alternate:nim"]
    assert seen["status"] == "warning" and "takeover" in seen["fix"]


def test_faults_have_their_fix(tmp_path: Path, run_cli: Cli) -> None:
    key = tmp_path / "key"
    key.write_text("not a key")
    key.chmod(0o644)
    known = tmp_path / "known_hosts"
    known.touch()
    state = tmp_path / "state"
    state.mkdir(mode=0o755)
    config = tmp_path / "nimwrap.toml"
    config.write_text(f"""
state_dir = "{state}"
[masters.far]
transport = "openssh"
host = "127.0.0.1"
port = 1
identity_file = "{key}"
known_hosts = "{known}"
[notify]
urls = ["json://user:geheim@127.0.0.1:1/"]
ping = "http://127.0.0.1:1/geheim"
[report]
html = "{tmp_path}/nowhere/report.html"
""")
    now = datetime.now(UTC)
    with Store.open(state / "history.db") as store:
        store.begin_run(Run("20261101T010000-aix01-0000", "aix01", "far", now))
        store.plan_change("20261101T010000-aix01-0000", "far", "/export/x", added=["192.0.2.1"], before=None, at=now)
    state.chmod(0o755)
    found = run_cli("doctor", "--json", config=config)
    assert found.exit_code == 1
    seen = checks(found)
    assert (seen["key:far"]["status"], seen["key:far"]["fix"]) == ("failed", f"chmod 600 {key}")
    assert seen["host_key:far"]["status"] in ("failed", "skipped")
    assert seen["state_dir"]["fix"] == f"chmod 700 {state}"
    assert seen["reach:far"]["status"] == "failed"
    assert seen["open_runs"]["fix"] == "nimwrap recover"
    assert "/export/x" in seen["export_changes"]["message"]
    assert seen["secrets"]["status"] == "warning"
    assert seen["notify.ping"]["status"] == "failed"
    assert seen["report.html"]["status"] == "failed"
    assert all(one["fix"] for one in seen.values() if one["status"] in ("warning", "failed"))
    assert "geheim" not in found.stdout + found.stderr


def test_without_and_with_a_broken_configuration(tmp_path: Path, run_cli: Cli) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("keep = 3\n[backup]\nkep = 3\n")
    found = run_cli("doctor", "--json", config=broken)
    assert found.exit_code == 78
    said = [one["message"] for one in found.data["checks"] if one["check"] == "configuration"]
    assert len(said) == 2
    missing = run_cli("doctor", "--json", config=tmp_path / "absent.toml")
    assert (missing.exit_code, checks(missing)["configuration"]["status"]) == (78, "failed")


def test_text_shows_each_fix_below_its_fault(estate: Estate, estate_config: ConfigWriter, run_cli: Cli) -> None:
    lines = run_cli("doctor", config=estate_config()).lines
    at = next(number for number, line in enumerate(lines) if line.startswith("warning  inventory:nim"))
    assert lines[at + 1].strip() == "fix: nimwrap status --refresh"
