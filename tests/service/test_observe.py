"""What is observed can be shared: no name and no address of the estate is in it, and the same ones stay the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nimwrap.aix import cllsif, clrginfo, lsnim, traceroute
from nimwrap.estate import Estate
from nimwrap.service.observe.mask import Masker
from tests.running import Cli, ConfigWriter


def test_transcripts_are_masked_and_still_understood(
    estate: Estate, estate_config: ConfigWriter, run_cli: Cli, tmp_path: Path
) -> None:
    target = tmp_path / "observed"
    done = run_cli("doctor", "--observe", target, "--json", config=estate_config())
    assert done.exit_code == 0, done.stderr
    files = {path.name.removesuffix("--observed.txt"): path.read_text() for path in target.iterdir()}
    assert set(done.data["transcripts"]) == {path.name for path in target.iterdir()}
    everything = "\n".join(files.values())
    assert not re.search(r"powerha|aix0|10\.10\.10|rg_app|app_cluster|net_ether", everything)
    for text in files.values():
        assert re.match(r"# source: .+\n# command: .+\n", text)
    bodies = {name: text.split("\n", 2)[2] for name, text in files.items()}
    nodes = {group.node for group in clrginfo.parse(bodies["clRGinfo-s"])}
    clients = set(lsnim.parse_long(bodies["lsnim-l-client"]))
    assert clients <= nodes == {label.node for label in cllsif.parse(bodies["cllsif-c"])}
    assert traceroute.parse(bodies["traceroute-stdout"] + bodies["traceroute-stderr"]).source.startswith("192.0.2.")
    assert bodies["channel-length-4096"].strip() == "4092"
    assert bodies["channel-double-quotes"] == "a  b\nrc=0\n"
    assert "sleep 22" in bodies["channel-session-two-seconds-later"]
    assert not {one.argv[0].rpartition("/")[2] for one in estate.log()} & {"nim", "mount", "mksysb"}


def test_what_does_not_answer_is_a_transcript_too(
    estate: Estate, estate_config: ConfigWriter, run_cli: Cli, tmp_path: Path
) -> None:
    estate.fault("channel_methods_only")
    target = tmp_path / "observed"
    assert run_cli("doctor", "--observe", target, config=estate_config()).exit_code == 0
    assert "not a method" in (target / "channel-plain--observed.txt").read_text()


def test_nothing_is_overwritten(estate: Estate, estate_config: ConfigWriter, run_cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    done = run_cli("doctor", "--observe", tmp_path, "--json", config=estate_config())
    assert (done.exit_code, done.codes) == (2, ["usage"])
    assert (tmp_path / "mine").read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10.1.2.3 and 10.1.2.30, then 10.1.2.3", "192.0.2.1 and 192.0.2.2, then 192.0.2.1"),
        ("mask 255.255.255.0 lo 127.0.0.1", "mask 255.255.255.0 lo 127.0.0.1"),
        ("SRVDB1.corp.example.org srvdb1_mksysb srvdb10", "client1.example.com client1_mksysb srvdb10"),
        ("if1 = net A2B3C4D5E6F7 ent0", "if1 = net 020000000001 ent0"),
        ("fa.16.3e.a1.b2.c3 fe80::1:2", "02.00.00.00.00.01 2001:db8::1"),
        ("at 10:20:30 ::1 7200-05-05-2246", "at 10:20:30 ::1 7200-05-05-2246"),
    ],
)
def test_masks(text: str, shown: str) -> None:
    masker = Masker()
    masker.learn("client", ["srvdb1.corp.example.org", "nim", None, "10.9.9.9"])
    assert masker.masked(text) == shown
