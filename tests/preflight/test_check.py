"""``nimwrap check`` against the estate: what it finds, what it says, and that it changes nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nimwrap.aix.source_perl import NFS_PORT
from nimwrap.estate import Estate, nimdb
from tests.preflight.findings import BOOT, SERVICE, finding, only
from tests.running import Cli, ConfigWriter


def test_the_founding_case(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    ran = run_cli("check", "powerha1", "--json", config=estate_config())
    assert ran.exit_code == 0, ran.stdout + ran.stderr
    client = only(ran)
    assert (client["client"], client["master"], client["verdict"]) == ("powerha1", "nim", "warning")
    assert client["source_address"] == {"expected": BOOT, "actual": SERVICE, "method": "perl"}
    told = finding(client, "source_address")
    assert told["status"] == "warning"
    assert SERVICE in told["evidence"]
    for part in (SERVICE, BOOT, "powerha1-vip", "rg_app", "own-mount", "untested on this master"):
        assert part in told["message"]
    for part in ("Disable Firstalias", "smitty cm_service_ip", "net_ether_01", "offline and online"):
        assert part in told["fix"]
    assert client["cluster"]["resource_groups"] == [{"name": "rg_app", "state": "ONLINE", "node": "powerha1"}]
    others = [one for one in client["findings"] if one["check"] != "source_address"]
    assert {one["status"] for one in others} == {"ok"}
    assert estate.changes() == []


def test_never_means_refused_and_nothing_changed(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    before = estate.exports_text()
    ran = run_cli("check", "powerha1", "--json", config=estate_config(backup={"export_change": "never"}))
    assert ran.exit_code == 10
    client = only(ran)
    assert client["verdict"] == "refused"
    assert ran.codes == ["source_address_mismatch"]
    assert "Disable Firstalias" in finding(client, "source_address")["fix"]
    assert estate.changes() == []
    assert estate.exports_text() == before


def test_after_the_cure_and_on_the_other_node_all_is_well(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config()
    assert only(run_cli("check", "powerha2", "--json", config=config))["verdict"] == "ready"
    estate.first_alias(False)
    assert only(run_cli("check", "powerha1", "--json", config=config))["verdict"] == "ready"


def test_the_fault_moves_with_the_service_address(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config()
    estate.fail_over("powerha2")
    ran = run_cli("check", "powerha1", "powerha2", "--json", config=config)
    verdicts = {client["client"]: client["verdict"] for client in ran.data["clients"]}
    assert verdicts == {"powerha1": "ready", "powerha2": "warning"}


@pytest.mark.parametrize(
    ("fault", "value", "check", "code"),
    [
        ("nimsh_down", True, "channel", "client_unreachable"),
        ("push_off", True, "control", "client_unreachable"),
        ("client_busy", True, "cstate", "client_busy"),
        ("client_busy", "process", "busy", "client_busy"),
        ("cpuid_mismatch", True, "channel", "client_identity"),
        ("niminfo_wrong_master", True, "channel", "client_identity"),
        ("cluster_unstable", True, "cluster", "cluster_unstable"),
        ("rootvg_locked", True, "rootvg", "rootvg_locked"),
    ],
)
def test_a_fault_is_refused_with_its_code(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter, fault: str, value: object, check: str, code: str
) -> None:
    estate.fault(fault, value, host="powerha2")
    try:
        ran = run_cli("check", "powerha2", "--json", config=estate_config())
    finally:
        estate.stop()
    assert ran.exit_code == 10, ran.stdout + ran.stderr
    told = finding(only(ran), check)
    assert told["status"] == "failed", told
    assert told["fix"]
    assert ran.codes == [code]
    assert not [one for one in estate.changes() if one.argv[0] != "mksysb"]  # the fault's own process


def test_unreachable_comes_before_mismatch(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    estate.fault("nimsh_down", host="powerha1")
    ran = run_cli("check", "powerha1", "--json", config=estate_config(backup={"export_change": "never"}))
    assert (ran.exit_code, ran.codes) == (10, ["client_unreachable"])


@pytest.mark.parametrize(
    ("faults", "method", "verdict"),
    [
        (["no_perl"], "traceroute", "warning"),
        (["no_perl", "traceroute_stderr"], "traceroute", "warning"),
        (["no_perl", "no_traceroute"], "route", "warning"),
        (["no_perl", "no_traceroute", "no_route"], "netstat", "warning"),
        (["no_perl", "no_traceroute", "no_route", "no_telnet"], "netstat", "warning"),
        (["no_perl", "no_traceroute", "no_route", "no_telnet", "no_ksh93"], "alias-order", "warning"),
        (["powerha_tools_missing"], "perl", "warning"),
        (["french_locale"], "perl", "warning"),
        (["no_ptr"], "perl", "warning"),
        (["garbled_output"], None, None),
    ],
)
def test_what_a_client_lacks(
    run_cli: Cli,
    estate: Estate,
    estate_config: ConfigWriter,
    faults: list[str],
    method: str | None,
    verdict: str | None,
) -> None:
    for fault in faults:
        estate.fault(fault)
    ran = run_cli("check", "powerha1", "--json", config=estate_config())
    assert ran.exit_code in (0, 10), ran.stdout + ran.stderr
    client = only(ran)
    told = finding(client, "source_address")
    assert told["status"] != "ok"
    if method is not None:
        assert client["source_address"] == {"expected": BOOT, "actual": SERVICE, "method": method}
        assert client["verdict"] == verdict
        assert "Disable Firstalias" in told["fix"]
    if "no_ptr" in faults:
        assert "1831-019" in finding(client, "reverse_lookup")["message"]


def test_on_a_guess_nobody_is_let_in_and_nims_own_way_is_tried(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    for fault in ("no_perl", "no_traceroute", "no_route", "no_telnet", "no_ksh93"):
        estate.fault(fault)
    ran = run_cli("backup", "powerha1", "--json", config=estate_config(retry={"attempts": 1}))
    (run,) = ran.data["runs"]
    assert [one["remedy"] for one in run["attempts"]] == [None]
    assert (ran.exit_code, run["failure"]["code"]) == (1, "export_denied")


def test_what_the_master_sees_of_a_connection_is_a_proof(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    """A client that can make a connection and show none; its last connection, before a failover, proves nothing."""
    for fault in ("no_perl", "no_traceroute", "no_route", "no_telnet", "no_netstat"):
        estate.fault(fault, host="powerha1")
    stood = [f"10.10.10.100.{NFS_PORT}", f"{BOOT}.1023"]
    estate.state.change("connections-nim", lambda held: held.update(open=[stood]))
    ran = run_cli("backup", "powerha1", "--json", config=estate_config(retry={"attempts": 1}))
    (run,) = ran.data["runs"]
    assert (ran.exit_code, run["outcome"], run["remedy"]) == (0, "ok", "own-mount"), ran.stdout
    assert run["source_address"] == {"expected": BOOT, "actual": SERVICE, "method": "master-netstat"}
    assert estate.state.read("connections-nim") == {"open": [stood]}


def test_the_address_of_tcp_is_the_one_that_counts(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    """The kernel chooses the service address for UDP, and for TCP, by which the image goes, the boot address."""
    estate.fault("tcp_source", BOOT, "powerha1")
    ran = run_cli("backup", "powerha1", "--json", config=estate_config())
    (run,) = ran.data["runs"]
    assert (run["source_address"]["actual"], run["outcome"], run["remedy"]) == (BOOT, "ok", None)


def test_a_standing_export_above_is_a_conflict(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    estate.fault("standing_export", host="nim")
    ran = run_cli("check", "aix01", "--json", config=estate_config())
    assert (ran.exit_code, ran.codes) == (10, ["export_conflict"])
    assert "/export/nim" in finding(only(ran), "exports")["message"]


def test_text_has_a_line_for_each_check_and_a_fix_below_what_is_not_ok(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    ran = run_cli("check", "powerha1", config=estate_config())
    assert ran.exit_code == 0
    assert ran.lines[0] == "powerha1: warning, by own-mount"
    at = next(number for number, line in enumerate(ran.lines) if line.startswith("\tsource_address: warning ("))
    assert ran.lines[at + 1].startswith("\t  fix: for good: set the Distribution Preference")
    assert ran.lines[at + 2].startswith("\t    1. smitty cm_service_ip")
    assert ran.lines[at + 5].startswith("\t    4. Check: nimwrap check powerha1")
    assert "\trootvg: ok (rootvg is active and not locked)" in ran.lines


def test_nagios(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config()
    ran = run_cli("check", "powerha1", "powerha2", "--nagios", config=config)
    assert ran.exit_code == 1
    (line,) = ran.lines
    said, _, perf = line.partition(" | ")
    assert said == "NIMWRAP WARNING - 1 of 2 clients ready; powerha1: source_address"
    assert perf.startswith("ready=1 warning=1 refused=0 time=")
    assert run_cli("check", "nobody", "--nagios", config=config).exit_code == 3
    estate.fault("nimsh_down", host="powerha2")
    assert run_cli("check", "powerha2", "--nagios", config=config).exit_code == 2


def test_unknown_and_hostile_targets_start_nothing(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config()
    estate.clear_log()
    ran = run_cli("check", "powerha3", "--json", config=config)
    assert (ran.exit_code, ran.codes) == (2, ["usage"])
    assert "powerha" in ran.json["errors"][0]["hint"]
    for hostile in ("a;reboot", "x\ny", "$(reboot)", "../../etc", "n" * 4096):
        assert run_cli("check", hostile, config=config).exit_code == 2
    assert {one.argv[0] for one in estate.log()} == {"hostname", "lsnim", "exportfs"}, "the master was only looked at"
    assert not any("-i" in one.argv or "-u" in one.argv for one in estate.log())


def test_a_hostile_name_in_nims_own_answer_is_refused(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    from nimwrap.estate import nimdb

    nimdb.set_attributes(estate.machine("nim"), "aix01", if1="net_10_10_10 $(touch${IFS}/tmp/pwned) 0")
    ran = run_cli("check", "aix01", "--json", config=estate_config())
    assert (ran.exit_code, ran.codes) == (10, ["name_invalid"])
    assert not (estate.files("nim") / "tmp/pwned").exists()
    assert not any(one.argv[0] == "c_rsh" for one in estate.log())


def test_a_master_that_cannot_be_asked(run_cli: Cli, tmp_path: Path) -> None:
    config = tmp_path / "nimwrap.toml"
    state = json.dumps(str(tmp_path / "state"))
    config.write_text(f'state_dir = {state}\n[masters.nim]\ntransport = "local"\nshell = "/nonexistent/shell"\n')
    ran = run_cli("check", "powerha1", "--json", config=config)
    assert ran.exit_code == 12, ran.stdout + ran.stderr
    assert ran.codes == ["master_unreachable"]
    assert not (tmp_path / "state").exists()


def test_one_call_of_each_client_and_one_inventory(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    config = estate_config()
    estate.clear_log()
    assert run_cli("check", "powerha1", "powerha2", "aix01", "--json", config=config).exit_code == 0
    calls = [one.argv[1] for one in estate.log() if one.argv[0] == "c_rsh"]
    assert sorted(calls) == ["aix01", "powerha1", "powerha2"]


def test_the_master_itself_is_checked_where_its_image_is_configured(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config(clients={"master": {"kinds": ["nim_db", "master_mksysb"]}})
    client = only(run_cli("check", "master", "--json", config=config))
    assert (client["client"], client["verdict"]) == ("master", "ready")
    checks = [one["check"] for one in client["findings"]]
    assert checks == ["master", "tool", "space", "tool"]
    assert estate.changes() == []
    everything = run_cli("check", "--all", "--json", config=config)
    assert [one["client"] for one in everything.data["clients"]].count("master") == 1


def test_a_master_without_a_configured_image_says_what_to_write(run_cli: Cli, estate_config: ConfigWriter) -> None:
    for verb in ("check", "backup"):
        for name in ("master", "nim/master"):
            ran = run_cli(verb, name, config=estate_config())
            assert ran.exit_code == 2
            assert "no image of the master itself is configured" in ran.stderr
            assert '[clients.master] kinds = ["nim_db", "master_mksysb"]' in ran.stderr


def test_what_the_master_says_of_itself_is_read(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    nimdb.set_attributes(estate.machine("nim"), "master", validate_cpuid="no", global_export="yes")
    estate.fault("cpuid_mismatch", host="powerha1")
    client = only(run_cli("check", "powerha1", "--json", config=estate_config()))
    assert "global_export=yes" in finding(client, "master_settings")["message"]
    assert finding(client, "cpuid")["status"] == "ok"
