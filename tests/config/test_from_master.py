"""``config init --from-master``: a master is asked, and the configuration that comes of it fits and works at once."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from nimwrap.config.drafted import DraftFacts, drafted
from nimwrap.config.load import load
from nimwrap.config.model import MasterConfig
from nimwrap.estate import Estate
from tests.hosts.sshd import Sshd, needs_sshd
from tests.running import Cli


@pytest.mark.sshd
@needs_sshd
def test_what_the_master_answers_is_a_configuration_that_works(run_cli: Cli, estate: Estate, tmp_path: Path) -> None:
    estate.instant()
    made = (
        "/usr/sbin/nim -o define -t mksysb -a server=master -a source=aix01 -a mk_image=yes "
        "-a location=/export/nim/mksysb/by_hand aix01_by_hand"
    )
    subprocess.run([estate.shell("nim"), "-c", made], check=True, capture_output=True)
    estate.clear_log()
    with Sshd(tmp_path / "sshd", force_command=estate.shell("nim")) as server:
        config = tmp_path / "drafted.toml"
        keys = ("--identity-file", server.user_key, "--known-hosts", server.known_hosts)
        address = f"{server.user}@127.0.0.1:{server.port}"
        ran = run_cli("config", "init", "--from-master", address, *keys, "--output", config)
        assert ran.exit_code == 0, ran.stderr
        text = config.read_text()
        assert estate.changes() == [], "nothing is changed by asking"
        loaded = load(config)
        assert loaded.groups == {"app_cluster": ("powerha1", "powerha2")}
        assert loaded.backup.directory == "/export/nim/mksysb"
        assert loaded.masters["nim"].port == server.port
        assert "# 4 clients are known to NIM" in text
        assert "NIM has 1 images" in text
        config.write_text(f'state_dir = "{tmp_path}/state"\n' + text)
        assert run_cli("config", "validate", config=config).exit_code == 0
        assert run_cli("check", "aix01", config=config).exit_code == 0
    again = run_cli("config", "init", "--from-master", address, *keys, "--output", config)
    assert again.exit_code == 12, "a master that is gone is told as such"


def test_what_hosts_say_stays_in_comments(tmp_path: Path) -> None:
    facts = DraftFacts(
        ("aix01",), {}, "", 0, None, ("c_rsh",), {"aix01": "it said\n[backup]\nkeep = 0"}, ("0 1 * * 0 nim\nx = 1",)
    )
    path = tmp_path / "d.toml"
    path.write_text(drafted(MasterConfig("nim", host="nim"), facts, "today"))
    assert load(path).backup.keep == 3


@pytest.mark.parametrize("address", ["", "a b", "-oProxyCommand=x", "root@", "nim:port"])
def test_what_is_no_address_is_a_wrong_call(address: str, run_cli: Cli) -> None:
    assert run_cli("config", "init", "--from-master", address).exit_code == 2
