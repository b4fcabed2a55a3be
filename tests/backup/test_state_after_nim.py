"""What NIM says when it refuses is one thing, the state that it has the client in another: the state decides."""

from __future__ import annotations

import json

from nimwrap.estate import Estate
from tests.backup.evidence import only_run
from tests.running import Cli, ConfigWriter

ANOTHER = "alt_disk_install operation is being performed"


def test_a_client_that_another_operation_has_taken_meanwhile_is_busy_and_not_reset(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    database = next((estate.files("nim") / "etc/objrepos").glob("nim*"))
    taken = json.loads(database.read_text())
    taken["aix01"]["Cstate"] = ANOTHER
    later = estate.root / "later.json"
    later.write_text(json.dumps(taken))
    nim = estate.files("nim") / "usr/sbin/nim"
    kept = nim.with_name("nim.real")
    nim.rename(kept)
    nim.write_text(
        f'#!/bin/sh\ncase "$*" in *define*) ;; *) exec {kept} "$@" ;; esac\n'
        f'cat {later} > {database}\necho "0042-001 nim: words that nobody has published" >&2\nexit 1\n'
    )
    nim.chmod(0o755)
    run = only_run(run_cli("backup", "aix01", "--json", config=estate_config(retry={"attempts": 1})))
    assert (run["outcome"], run["failure"]["code"]) == ("failed", "client_busy"), run["failure"]
    assert ANOTHER in run["failure"]["message"]
    assert "words that nobody has published" in run["failure"]["message"]
    assert estate.objects()["aix01"]["Cstate"] == ANOTHER, "that operation is not ours to end"
