"""The founding case on a real network: refused by the server itself without nimwrap, proven with it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab.lab import SERVICE, Lab
from tests.running import Ran

pytestmark = pytest.mark.lab
BOOT = "10.10.10.101"
BARE = (
    "/usr/sbin/nim -o define -t mksysb -a server=master -a source={client} -a mk_image=yes -a mksysb_flags=ei "
    "-a location=/export/nim/mksysb/{client}.mksysb {client}_mksysb"
)


def only_run(ran: Ran) -> dict[str, Any]:
    (run,) = ran.data["runs"]
    return dict(run)


def test_the_bare_nim_command_is_refused_by_the_server_itself(lab: Lab) -> None:
    """No executable of the estate decides this: the same command works once the kernel's first address is another."""
    said = lab.hosts["nim"].run(BARE.format(client="powerha1"))
    assert said.status == 175, said.text
    assert "1831-011 access denied for nim:/export/nim/mksysb" in said.text
    assert "0042-175" in said.text
    assert lab.images() == []
    lab.estate.first_alias(False)
    lab.fail_over("powerha1")
    said = lab.hosts["nim"].run(BARE.format(client="powerha1"))
    assert said.status == 0, said.text
    assert lab.images() == ["/export/nim/mksysb/powerha1.mksysb"]


@pytest.mark.parametrize("behaviour", ["merge", "replace", "refuse"])
@pytest.mark.parametrize("transport", ["local", "ssh", "openssh"])
def test_nimwrap_makes_the_image(lab: Lab, transport: str, behaviour: str) -> None:
    lab.estate.behaviour(behaviour)
    before = lab.exports_text()
    ran = lab.nimwrap(lab.config(transport), "backup", "powerha1", "--json")
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    run = only_run(ran)
    assert run["outcome"] == "ok"
    assert run["source_address"] == {"expected": BOOT, "actual": SERVICE, "method": "perl"}
    assert run["remedy"] == "own-mount"
    assert run["image"]["verified"]
    assert lab.images() == [run["image"]["location"]]
    assert lab.exports_text() == before
    assert lab.left() == []


@pytest.mark.parametrize("behaviour", ["merge", "replace", "refuse"])
def test_pre_export_first(lab: Lab, behaviour: str) -> None:
    """Where NIM adds to an export that stands, widening it is enough; elsewhere the other way follows."""
    lab.estate.behaviour(behaviour)
    before = lab.exports_text()
    config = lab.config("ssh", backup={"remedies": ["pre-export", "own-mount"]})
    ran = lab.nimwrap(config, "backup", "powerha1", "--json")
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    run = only_run(ran)
    assert run["remedy"] == ("pre-export" if behaviour == "merge" else "own-mount")
    assert lab.images() == [run["image"]["location"]]
    assert lab.exports_text() == before
    assert lab.left() == []


def test_everybody(lab: Lab) -> None:
    """The whole estate at once: two clients on a cluster one after the other, the others beside them."""
    ran = lab.nimwrap(lab.config("ssh"), "backup", "--all", "--json", timeout=240)
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    outcomes = {run["client"]: run["outcome"] for run in ran.data["runs"]}
    assert outcomes == dict.fromkeys(lab.hosts.keys() - {"nim"}, "ok")
    assert len(lab.images()) == len(lab.hosts) - 1
    assert lab.left() == []


def test_check_agrees_and_changes_nothing(lab: Lab) -> None:
    before = lab.exports_text()
    ran = lab.nimwrap(lab.config("ssh"), "check", "powerha1", "powerha2", "--json")
    verdicts = {client["client"]: client["verdict"] for client in ran.data["clients"]}
    assert verdicts == {"powerha1": "warning", "powerha2": "ready"}, ran.stdout
    assert (ran.exit_code, lab.exports_text(), lab.images(), lab.left()) == (0, before, [], [])


def test_a_master_that_sees_the_clients_processes(lab: Lab) -> None:
    """As a global environment sees its WPARs': what the master's own ps shows may be the client's."""
    client = lab.hosts["powerha2"]
    client.kill()
    client.start(processes_of=lab.hosts["nim"])
    client.await_up()
    try:
        assert client.processes("nimsh.py")
        ran = lab.nimwrap(lab.config("ssh"), "backup", "powerha2", "--json")
        assert ran.exit_code == 0, ran.stdout + ran.stderr
        assert lab.left() == []
    finally:
        client.kill()
        client.start()
        client.await_up()
