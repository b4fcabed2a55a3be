"""What stands exported without a reason: ours without a row in the journal, and NIM's own line of an operation."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from nimwrap.backup.nim_line import take_out_script
from nimwrap.estate import Estate
from tests.backup.evidence import nothing_left, writing
from tests.faults.hands import confirm_hand
from tests.running import Cli, ConfigWriter, begin
from tests.waiting import until

OURS = "/export/nim/mksysb/.nimwrap/20260101T000000-aix01-dead"
NIMS = "/export/nim/mksysb/aix02 -rw,root=aix02:,access=aix02:"


def test_an_export_of_ours_without_a_row_is_named_by_status_and_doctor(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    """As after an old ``history.db`` was restored: nothing here knows of the operation any more."""
    config = estate_config()
    estate.add_export(f"{OURS} -rw,access=aix01,root=aix01", permanent=False)
    estate.add_export(NIMS)
    status = run_cli("status", "--refresh", "--json", config=config)
    faults = {fault["subjects"][1]: fault for fault in status.data["faults"] if fault["code"] == "export_left"}
    assert faults[OURS]["verdict"] == "critical"
    assert f"exportfs -u {OURS}" in faults[OURS]["message"]
    assert "take the line out of /etc/exports" in faults[NIMS.split(maxsplit=1)[0]]["message"]
    doctor = run_cli("doctor", "--json", config=config)
    assert OURS in doctor.stdout and NIMS.split(maxsplit=1)[0] in doctor.stdout
    told = f"`status`: {faults[OURS]['verdict']}, `export_left`; `doctor`"
    confirm_hand("export", "left as it is", told)
    (estate.files("nim") / "etc/xtab").write_text("")
    (estate.files("nim") / "etc/exports").write_text("# nothing\n")
    again = run_cli("status", "--refresh", "--json", config=config)
    assert [fault for fault in again.data["faults"] if fault["code"] == "export_left"] == []


def processes_of(estate: Estate) -> list[int]:
    """Everything that works in the estate now, its simulated commands included."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(str(estate.root)) in line and int(process.name) != os.getpid() and b"nimwrap.toml" not in line:
            found.append(int(process.name))
    return found


def test_the_line_that_a_killed_nim_left_is_taken_out(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path
) -> None:
    """As after the master went down in the middle of NIM's own operation: its line in /etc/exports is still there."""
    master = estate.machine("nim")
    master.write("/etc/exports", "# by hand\n/export/lpp -ro,\\\n  access=aix01\n")
    before, was = master.read("/etc/exports"), estate.exports_text()
    estate.hold_images("aix01")
    config = estate_config()
    backup = begin(tmp_path, config, "backup", "aix01", "--json")
    until(lambda: writing(estate), "the image is being written")
    assert "aix01" in master.read("/etc/exports").replace(before, "")
    backup.kill()
    backup.communicate()
    for _ in range(3):
        for pid in processes_of(estate):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    assert master.read("/etc/exports") != before
    ran = run_cli("recover", "--json", config=config)
    assert master.read("/etc/exports") == before, ran.stdout
    assert estate.exports_text() == was
    (run,) = run_cli("history", "--json", config=config).data["runs"]
    assert (run["outcome"], run["failure"]["code"]) == ("failed", "killed")
    told = f"the run: {run['outcome']}, `{run['failure']['code']}`"
    confirm_hand("nim-line", "NIM's export and its line in /etc/exports are taken out by `recover`", told)
    assert nothing_left(estate)


def test_only_the_very_line_goes(estate: Estate) -> None:
    master, other = estate.machine("nim"), f"{NIMS},anon=0"
    master.write("/etc/exports", f"/export/other -rw\n{NIMS}\n{other}\n")
    argv = [estate.shell("nim"), "-c", take_out_script(NIMS)]
    for status in (0, 1):
        assert subprocess.run(argv, capture_output=True, check=False).returncode == status
        assert master.read("/etc/exports") == f"/export/other -rw\n{other}\n"
    assert [path.name for path in (estate.files("nim") / "etc").glob("exports*")] == ["exports"]
