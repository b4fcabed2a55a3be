"""A night of sixty clients on one master: six are sick in six ways, four images at once, and everyone is accounted for.

What ran beside what is read from the estate's own log of commands, never from nimwrap's history.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from nimwrap.estate import Estate, build
from nimwrap.history.sqlite.queries import Reader
from tests.running import Cli, ConfigWriter

CLIENTS, AT_ONCE = 60, 4
PAIR = {"powerha1", "powerha2"}
SICK = {
    "aix03": ("host_down", True, "client_unreachable"),
    "aix11": ("cpuid_mismatch", True, "client_identity"),
    "aix20": ("truncated_image_rc0", True, "image_truncated"),
    "aix29": ("wrong_host_image_rc0", True, "image_wrong_host"),
    "aix38": ("no_image_rc0", True, "image_missing"),
    "aix47": ("client_busy", True, "client_busy"),
}
Span = tuple[datetime, datetime, str]


def making(estate: Estate) -> list[Span]:
    """Begin, end and client of every image-making operation: NIM's own, and mksysb on a client without NIM."""
    spans = []
    for one, ended in estate.spans():
        words = dict(word.partition("=")[::2] for word in one.argv)
        client = None
        if one.argv[0] == "nim" and words.get("mk_image") == "yes" and "size_preview" not in words:
            client = words["source"]
        elif one.argv[0] in ("mksysb", "savevg"):
            client = one.host
        if client:
            spans.append((one.at, ended or datetime.max.replace(tzinfo=UTC), client))
    return sorted(spans)


def clients_at_once(spans: list[Span]) -> list[set[str]]:
    """Whose images were being made, at the beginning of each operation."""
    return [{client for began, ended, client in spans if began <= at < ended} for at, _, _ in spans]


@pytest.fixture
def sixty(tmp_path: Path) -> Estate:
    estate = build(tmp_path / "estate", clients=CLIENTS - len(PAIR), files=40, image_size=65536, steps=4)
    for client, (fault, value, _) in SICK.items():
        estate.fault(fault, value, host=client)
    return estate


def test_sixty_clients_six_of_them_sick(run_cli: Cli, sixty: Estate, tmp_path: Path) -> None:
    config = tmp_path / "nimwrap.toml"
    config.write_text(sixty.config(master={"max_parallel": AT_ONCE}, retry={"attempts": 2, "wait": "1s"}))
    assert "cluster" not in config.read_text(), "the pair is to be detected"
    before = sixty.exports_text()
    ran = run_cli("backup", "--all", "--json", config=config, timeout=600)

    assert (ran.exit_code, ran.json["status"]) == (3, "partial"), ran.stderr
    runs = ran.data["runs"]
    assert len(runs) == len({run["client"] for run in runs}) == CLIENTS
    with Reader.open(sixty.root / "nimwrap" / "history.db") as reader:
        assert {row.id for row in reader.runs()} == {run["id"] for run in runs}
    bad = {run["client"]: run["failure"]["code"] for run in runs if run["outcome"] != "ok"}
    assert bad == {client: code for client, (_, _, code) in SICK.items()}
    assert {error["client"]: error["code"] for error in ran.json["errors"]} == bad
    assert {run["cluster"]["name"] for run in runs if run["client"] in PAIR} == {"app_cluster"}

    together = clients_at_once(making(sixty))
    assert 1 < max(map(len, together)) <= AT_ONCE, "several at once, and never one more"
    assert not any(clients >= PAIR for clients in together)
    assert {client for clients in together for client in clients} >= {run["client"] for run in runs} - set(bad)
    assert sixty.exports_text() == before


def test_the_operator_is_told_who_is_tried_again_when_and_why(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    estate.fault("nimsh_down", True, host="aix02")
    config = estate_config(retry={"attempts": 2, "wait": "1s", "max_wait": "1s"}, groups={"two": ["aix01", "aix02"]})
    ran = run_cli("backup", "group:two", config=config)
    assert ran.exit_code == 3
    told = [line for line in ran.stderr.splitlines() if "tried again at" in line]
    assert len(told) == 1, ran.stderr
    assert told[0].startswith("aix02: will be tried again at ")
    assert "client_unreachable: " in told[0]
    assert any(line.startswith("aix02 ") and " client_unreachable: nimwrap show " in line for line in ran.lines)
