"""Which servers lie on the way to a master, and with which keys, as ssh_config and the configuration say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nimwrap.config.model import MasterConfig
from nimwrap.domain.errors import NimwrapError
from nimwrap.hosts.openssh_config import write_config
from nimwrap.hosts.ssh_hops import Hop, route


def hops(tmp_path: Path, ssh_config: str, **keys: Any) -> list[Hop]:
    (tmp_path / "conf").write_text(ssh_config)
    return route(MasterConfig("nim", **{"host": "master", "ssh_config": str(tmp_path / "conf"), **keys}))


def names(found: list[Hop]) -> list[str]:
    return [str(hop.endpoint) for hop in found]


def test_without_ssh_config_there_is_one_hop(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch()
    (only,) = route(MasterConfig("nim", host="10.1.1.1", identity_file=str(key), known_hosts="/k"))
    assert (str(only.endpoint), only.identity_files, only.only_these) == ("root@10.1.1.1:22", (str(key),), True)
    assert only.known_hosts == (Path("/k"),)


@pytest.mark.parametrize("word", ["none", "None", "master"])
def test_no_jump(tmp_path: Path, word: str) -> None:
    assert names(hops(tmp_path, f"Host *\nProxyJump {word}\n")) == ["root@master:22"]


def test_a_chain_of_jumps_in_order(tmp_path: Path) -> None:
    config = """
Host master
  HostName 10.9.9.9
  Port 2200
  User nobody
  ProxyJump ops@a:2022,b,[::1]:24
Host a
  ProxyJump outer
Host b
  ProxyJump never-looked-at
  HostName b.example
  User bob
Host outer
  User eve
Host ?* !master
  User carol
"""
    assert names(hops(tmp_path, config)) == [
        "eve@outer:22",
        "ops@a:2022",
        "bob@b.example:22",
        "carol@::1:24",
        "root@10.9.9.9:2200",
    ]


def test_our_own_configuration_outranks_ssh_config(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch()
    config = f"Host *\nPort 2200\nUser eve\nIdentityFile {tmp_path}/theirs\nUserKnownHostsFile /theirs\n"
    config += "ProxyJump gate\nHost gate\nProxyJump none\n"
    found = hops(tmp_path, config, port=2300, user="nimwrap", identity_file=str(key), known_hosts="/ours")
    assert names(found)[-1] == "nimwrap@master:2300"
    assert found[-1].identity_files == (str(key),)
    assert found[0].identity_files == (f"{tmp_path}/theirs", str(key))
    assert {hop.known_hosts for hop in found} == {(Path("/ours"),)}


def test_a_proxy_command_and_the_keys_of_ssh_config(tmp_path: Path) -> None:
    (only,) = hops(tmp_path, "Host master\nProxyCommand nc %h %p\nIdentitiesOnly yes\nIdentityFile /k1\n")
    assert (only.proxy_command, only.identity_files, only.only_these) == ("nc master 22", ("/k1",), True)


@pytest.mark.parametrize(
    "config",
    [
        "Host master\nProxyJump a\nHost a\nProxyJump b\nHost b\nProxyJump a\n",
        "Host master\nProxyJump 'x;id'\n",
        "Host master\nHostName -oProxyCommand=id\n",
        "Host\n",
        None,
    ],
)
def test_what_cannot_be_used_is_a_fault_of_the_configuration(tmp_path: Path, config: str | None) -> None:
    with pytest.raises(NimwrapError) as caught:
        if config is None:
            route(MasterConfig("nim", host="master", ssh_config=str(tmp_path / "absent")))
        else:
            hops(tmp_path, config)
    assert (caught.value.code, caught.value.exit_code) == ("config_invalid", 78)


def test_the_systems_ssh_reads_our_lines_first(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("Host *\nStrictHostKeyChecking no\n")
    write_config(tmp_path, MasterConfig("nim", known_hosts="/k 100%", ssh_config=str(theirs)), Path("/key"))
    text = (tmp_path / "config").read_text()
    assert text.index("StrictHostKeyChecking yes") < text.index(f'Include "{theirs}"') < text.index('"/key"')
    assert 'UserKnownHostsFile "/k 100%%"' in text
    with pytest.raises(NimwrapError, match="cannot be read"):
        write_config(tmp_path, MasterConfig("nim", ssh_config=str(tmp_path / "absent")), None)
