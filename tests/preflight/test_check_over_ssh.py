"""``nimwrap check`` through a real sshd: the same finding by both transports, and nothing behind a changed key."""

from __future__ import annotations

from pathlib import Path

import pytest

from nimwrap.estate import Estate
from tests.hosts.sshd import Sshd, needs_sshd
from tests.running import Cli, ConfigWriter

pytestmark = [pytest.mark.sshd, needs_sshd]


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
