"""Who did what: the actor of every act, and events that nobody can change or remove without its being seen."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from nimwrap.estate import Estate
from nimwrap.history.actor import actor_name, current_actor
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from tests.history.samples import at, config_for
from tests.running import Cli, ConfigWriter

INVOCATION = "0123456789abcdef0123456789abcdef"
UNIT = "0::/system.slice/nimwrap-due.service\n"


@pytest.mark.parametrize(
    ("environ", "groups", "name"),
    [
        ({}, "0::/user.slice/user-0.slice/session-3.scope\n", "root"),
        ({"SUDO_USER": "alice"}, "", "alice"),
        ({"INVOCATION_ID": INVOCATION}, UNIT, f"nimwrap-due.service (invocation {INVOCATION})"),
        (
            {"INVOCATION_ID": INVOCATION, "SUDO_USER": "alice"},
            UNIT,
            f"alice (nimwrap-due.service, invocation {INVOCATION})",
        ),
        ({"INVOCATION_ID": INVOCATION}, "12:pids:/docker/4f\n0::/\n", f"root (invocation {INVOCATION})"),
        ({}, UNIT, "root"),
        ({"SUDO_USER": "al\x1b[31mice\n", "INVOCATION_ID": "../x"}, UNIT, "root"),
    ],
)
def test_the_actor_is_a_person_or_a_unit(environ: dict[str, str], groups: str, name: str) -> None:
    assert actor_name(environ, "root", groups) == name


def test_every_act_has_its_actor_and_an_export_change_its_true_times(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    config = estate_config(backup={"keep": 1})
    alice, unit = {"SUDO_USER": "alice"}, {"SUDO_USER": "bob", "INVOCATION_ID": INVOCATION}
    run_cli("hold", "aix01", "--reason", "disk swap", config=config, env=alice)
    run_cli("release", "aix01", config=config, env=unit)
    made = run_cli("backup", "powerha1", "--json", config=config, env=alice)
    (run,) = made.data["runs"]
    assert (run["outcome"], run["actor"], run["control_host"]) == ("ok", "alice", current_actor().control_host)
    assert run["remedy"]
    image = run["image"]["resource"]
    run_cli("images", "pin", image, config=config, env=alice)
    run_cli("images", "unpin", image, config=config, env=unit)
    run_cli("backup", "powerha1", config=config, env=unit)
    acts = run_cli("audit", "--json", "--since", "1h", config=config).data["acts"]
    assert [act["at"] for act in acts] == sorted((act["at"] for act in acts), reverse=True)
    assert {act["control_host"] for act in acts} == {current_actor().control_host}
    told = [(act["act"], act["subject"], act["actor"].split()[0]) for act in reversed(acts)]
    for one in [
        ("hold", "nim/aix01", "alice"),
        ("release", "nim/aix01", "bob"),
        ("backup", "nim/powerha1", "alice"),
        ("pin", image, "alice"),
        ("unpin", image, "bob"),
        ("remove", image, "bob"),
    ]:
        assert told.count(one) == 1, told
    changes = run_cli("exports", "list", "--json", config=config).data["changes"]
    opened = [act for act in acts if act["act"] == "export_change"]
    assert len(opened) == 2
    assert {(act["opened"], act["closed"], act["run"]) for act in opened} == {
        (change["applied"], change["reverted"], change["run"]) for change in changes
    }
    shown = run_cli("audit", config=config).stdout
    assert "alice" in shown
    assert "export_change" in shown
    story = run_cli("show", run["id"], "--json", config=config).data["run"]
    assert {event["actor"] for event in story["events"]} == {"alice", f"bob (invocation {INVOCATION})"}
    assert "by alice on" in run_cli("show", run["id"], config=config).stdout
    assert run_cli("history", "--json", config=config).data["runs"][1]["actor"] == "alice"
    run_cli("cancel", run["id"], config=config)
    assert all(act["act"] != "cancel" for act in run_cli("audit", "--json", config=config).data["acts"])


CHANGES = {
    "update events set text = 'nothing' where id = 2": "event 2 of",
    "update events set actor = 'mallory' where id = 4": "event 4 of",
    "delete from events where id = 2": "event 2, of before",
    "delete from events where id in (2, 3)": "events 2 to 3, of before",
    "delete from events where id > 3": "events 4 to 5, the newest: removed",
    "delete from events": "events 1 to 5, the newest: removed",
    "insert into events (at, kind, text) values ('2026', 'note', 'x')": "event 6 of 2026: added",
    "delete from event_chain": "the end of the chain",
    "update event_chain set hash = 'x'": "event 5, the newest: not the one",
}


@pytest.mark.parametrize("change", CHANGES)
def test_doctor_finds_an_event_that_was_changed_or_removed(change: str, path: Path, run_cli: Cli) -> None:
    with Store.open(path) as store:
        for number in range(5):
            store.event("note", f"event {number}", data={"number": number}, at=at(number))
    config = config_for(path.parent.parent)
    assert _events(run_cli, config) == ("ok", "none was changed or removed since it was written")
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(change)
    status, message = _events(run_cli, config)
    assert status == "failed"
    assert message.startswith(CHANGES[change])
    with Store.open(path) as store:
        store.event("note", "one more", at=at(9))
    with Reader.open(path) as reader:
        assert reader.altered_events() or "event_chain" in change


def test_the_newest_rows_alone_can_be_looked_at(path: Path) -> None:
    with Store.open(path) as store, Reader.open(path) as reader:
        for number in range(9):
            store.event("note", f"event {number}", at=at(number))
        store.database.conn.execute("update events set text = 'x' where id = 3")
        assert [fault.split(" of ")[0] for fault in reader.altered_events(9)] == ["event 3"]
        assert reader.altered_events(5) == []
        store.database.conn.execute("update events set text = 'x' where id = 5")
        assert [fault.split(" of ")[0] for fault in reader.altered_events(5)] == ["event 5"]


def test_what_nimwrap_brings_up_to_date_is_no_fault_and_what_others_then_change_is(path: Path) -> None:
    with Store.open(path) as store, Reader.open(path) as reader:
        row = store.event_after("notified", 1, lambda told: ("sent", {"delivered": False}), at=at(0))
        assert row is not None
        store.event("note", "between", at=at(1))
        store.update_event(row, {"delivered": True, "times": 1})
        store.update_event(row, {"delivered": True, "times": 2})
        assert reader.altered_events() == []
        store.database.conn.execute("update events set data = ? where id = ?", ('{"delivered": false}', row))
        (fault,) = reader.altered_events()
        assert fault.startswith(f"event {row} ")


def _events(run_cli: Cli, config: Path) -> tuple[str, str]:
    checks = run_cli("doctor", "--json", config=config).data["checks"]
    (found,) = [check for check in checks if check["check"] == "events"]
    return found["status"], found["message"]


def test_what_several_write_at_once_is_one_chain(path: Path) -> None:
    def write() -> None:
        with Store.open(path) as store:
            for number in range(20):
                store.event("note", f"\ud800 {number} \0", data={"x": [1.5, None, "ä"]}, at=at(number))

    Store.open(path).close()
    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Reader.open(path) as reader:
        assert reader.altered_events() == []
        assert len(list(reader.each("select id from events"))) == 80


def test_events_of_before_are_no_part_of_the_chain(path: Path) -> None:
    old = Path(__file__).with_name("version_1.sql").read_text()
    path.parent.mkdir(mode=0o700)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(old)
    with Store.open(path) as store, Reader.open(path) as reader:
        assert reader.altered_events() == []
        store.event("note", "the first of the chain", at=at(0))
        assert reader.altered_events() == []
        (begun,) = reader.each("select start, last from event_chain")
        assert begun[1] == begun[0] + 1 > 1
        assert json.dumps([act._asdict() for act in reader.acts(at(-99999))])
