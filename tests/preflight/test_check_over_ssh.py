"""``nimwrap check`` through a real sshd: the same finding by both transports, and nothing behind a changed key."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from nimwrap.estate import Estate
from tests.hosts.sshd import Sshd, needs_sshd
from tests.running import Cli, ConfigWriter

pytestmark = [pytest.mark.sshd, needs_sshd]


@pytest.mark.shells
@pytest.mark.skipif(not shutil.which("csh"), reason="csh is not installed (.ci/run installs it)")
@pytest.mark.parametrize("transport", ["ssh", "openssh"])
def test_a_master_whose_login_shell_is_csh_is_told_and_given_nothing(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path, transport: str
) -> None:
    """csh would run the lines of a script that it can read, each for itself."""
    estate.fault("root_shell", shutil.which("csh"), "nim")
    with Sshd(tmp_path / "sshd", force_command=estate.shell("nim")) as server:
        ran = run_cli("check", "powerha1", "--json", config=estate_config(transport, master=server.master_keys()))
    assert (ran.exit_code, ran.codes) == (12, ["login_refused"]), ran.stdout
    assert "csh" in ran.json["errors"][0]["message"] and "chsh" in ran.json["errors"][0]["hint"]
    assert estate.log() == []


@pytest.mark.parametrize("transport", ["ssh", "openssh"])
def test_the_founding_case_and_a_changed_host_key(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, tmp_path: Path, transport: str
) -> None:
    with Sshd(tmp_path / "sshd", force_command=estate.shell("nim")) as server:
        config = estate_config(transport, master=server.master_keys())
        ran = run_cli("check", "powerha1", "--json", config=config)
        assert ran.exit_code == 0, ran.stdout + ran.stderr
        (client,) = ran.data["clients"]
        assert client["verdict"] == "warning"
        assert client["source_address"] == {"expected": "10.10.10.101", "actual": "10.10.10.102", "method": "perl"}
        assert estate.changes() == []
        estate.clear_log()
        server.change_host_key()
        ran = run_cli("check", "powerha1", "--json", config=config)
        assert (ran.exit_code, ran.codes) == (12, ["host_key_changed"])
        assert estate.log() == []
