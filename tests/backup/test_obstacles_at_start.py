"""What stands in an operation's way on the master at the moment it begins."""

from __future__ import annotations

import re

import pytest

from nimwrap.domain.codes import exit_code_of_run
from nimwrap.estate import Estate
from nimwrap.hosts.protocol import Host
from tests.backup.meddling import backed_up
from tests.running import ConfigWriter


@pytest.mark.parametrize("holder", ["20261123T000000-powerha2-beef", None])
def test_a_lock_that_is_lost_before_the_start_ends_as_locked(
    estate: Estate, estate_config: ConfigWriter, holder: str | None
) -> None:
    """The start is held up so long that another nimwrap has taken the lock over, or it was removed."""
    lock = "/var/adm/nimwrap/locks/powerha2"
    taken = f"echo {holder} > {lock}/run; echo 'ctl2 pid 4711' > {lock}/owner" if holder else f"rm -r {lock}"

    def lose(host: Host, script: str) -> str:
        host.run(taken)
        return script

    ended = backed_up(estate_config(), "powerha2", lose)
    assert (ended.outcome, ended.failure and ended.failure.code) == ("locked", "locked")
    assert exit_code_of_run(ended.outcome, ended.failure.code if ended.failure else None) == 11
    assert (holder or "taken away") in (ended.failure.message if ended.failure else "")
    assert (estate.files("nim") / lock.lstrip("/")).exists() == bool(holder)
    assert not (estate.files("nim") / "var/adm/nimwrap" / ended.id).exists()


def test_the_room_of_an_earlier_attempt_that_could_not_be_cleared_is_no_obstacle(
    estate: Estate, estate_config: ConfigWriter
) -> None:
    def leave(host: Host, script: str) -> str:
        room = next(line.split()[1] for line in script.splitlines() if line.startswith("mkdir /var/adm/nimwrap/2"))
        host.run(f"mkdir {room}; cd {room}; echo 0 > rc; echo 20260101000000 > done")
        return script

    assert backed_up(estate_config(), "powerha2", leave).outcome == "ok"


@pytest.mark.parametrize("client", ["powerha1", "powerha2"])
def test_an_image_that_bears_the_name_already_is_never_touched(
    estate: Estate, estate_config: ConfigWriter, client: str
) -> None:
    places: list[str] = []

    def clash(host: Host, script: str) -> str:
        places.extend(re.findall(r"^\[ ! -f (/\S+\.mksysb) \]", script, re.MULTILINE))
        host.run(f"mkdir -p {places[0].rpartition('/')[0]}; echo precious > {places[0]}")
        return script

    ended = backed_up(estate_config(), client, clash)
    assert (ended.outcome, ended.failure and ended.failure.code) == ("failed", "nim_refused")
    assert (estate.files("nim") / places[0].lstrip("/")).read_text() == "precious\n"


def test_an_export_that_does_not_take_leads_to_the_next_remedy(estate: Estate, estate_config: ConfigWriter) -> None:
    estate.behaviour("merge")
    ended = backed_up(
        estate_config(), "powerha1", lambda _, script: script.replace("/usr/sbin/exportfs -i -o", "false")
    )
    assert (ended.outcome, ended.remedy) == ("ok", "pre-export")
    assert [attempt.failure_code for attempt in ended.attempts] == ["export_conflict", None]
