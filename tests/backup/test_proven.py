"""A good image is never lost over what nim says, or does not say, about it."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest

from nimwrap.backup.backup_request import BackupRequest
from nimwrap.backup.backup_run import BackupRun
from nimwrap.backup.recovery import recover
from nimwrap.config.load import load
from nimwrap.domain.clock import Interrupted
from nimwrap.domain.records import ClientRef
from nimwrap.estate import Estate
from nimwrap.fleet.session import open_session
from tests.backup.evidence import nothing_left, only_run
from tests.backup.unreachable import Gone, Hasty
from tests.running import Cli, ConfigWriter


def instead_of(estate: Estate, host: str, path: str, body: str) -> None:
    """``body`` runs in place of a host's command; ``$real`` is the command itself."""
    place = estate.files(host) / path.lstrip("/")
    real = place.rename(place.with_name(f"{place.name}.real"))
    real.write_text(real.read_text().replace(f"'{path}'", f"'{path}.real'"))
    place.write_text(f"#!/bin/sh\nreal={real}\n{body}\n")
    place.chmod(0o755)


NIM = "/usr/sbin/nim"
REFUSE = """case "$*" in
  *size_preview*|*mk_image*|"-o remove"*) exec $real "$@";;
  *define*) echo '0042-001 nim: processing error encountered on "master":' >&2
    echo '   0042-153 m_mkbosi: the master is not in the mood' >&2; exit 153;;
esac
exec $real "$@"
"""


def test_an_image_that_nim_will_not_define_is_kept_and_warns(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    instead_of(estate, "nim", NIM, REFUSE)
    before = estate.exports_text()
    config = estate_config()
    ran = run_cli("backup", "powerha1", "--json", config=config)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"], run["failure"]["code"]) == (3, "warning", "nim_refused"), ran.stdout
    assert "not in the mood" in run["failure"]["message"]
    image = run["image"]
    assert (image["verified"], image["resource"]) == (True, None)
    assert "0512-038" in image["verified_by"] and "resource" not in image["verified_by"]
    assert estate.exports_text() == before
    assert nothing_left(estate, image["location"])
    command = run["failure"]["fix"].partition("the reason is gone: ")[2].replace(NIM, f"{NIM}.real")
    subprocess.run([estate.shell("nim"), "-c", command], check=True)
    assert image["location"] in [found.get("location") for found in estate.objects().values()]
    (client,) = [
        one for one in run_cli("status", "--json", config=config).data["clients"] if one["client"] == "powerha1"
    ]
    assert client["last_good"]["run"] == run["id"]
    assert run_cli("recover", config=config).exit_code == 0
    assert nothing_left(estate, image["location"])


def test_an_image_whose_place_is_taken_is_kept_where_it_was_made(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    """Between the operation and its end somebody has put another file there."""
    home = estate.files("nim") / "export/nim/mksysb"
    body = (
        f"mkdir -p {home}/powerha1\nfor made in {home}/powerha1/.nimwrap/*/*; do\n"
        f'echo precious > {home}/powerha1/${{made##*/}}; done\nexec $real "$@"'
    )
    instead_of(estate, "powerha1", "/usr/sbin/umount", body)
    ran = run_cli("backup", "powerha1", "--json", config=estate_config())
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"], run["image"]["resource"]) == (3, "warning", None), ran.stdout
    place, other = run["image"]["location"], estate.files("nim") / "export/nim/mksysb/powerha1"
    assert "/.nimwrap/" in place and place in run["failure"]["fix"]
    assert [file.read_text() for file in other.glob("*.mksysb")] == ["precious\n"]
    assert (estate.files("nim") / place.lstrip("/")).stat().st_size == run["image"]["size_bytes"]


def test_a_line_that_is_cut_while_the_image_is_put_in_its_place(estate: Estate, estate_config: ConfigWriter) -> None:
    with open_session(load(estate_config())) as opened:
        host = Gone(opened.hosts["nim"], "neither staged nor in its place", silently=True)
        session, context = opened, opened.master_context("nim")
        backup = BackupRun(replace(context, host=host, clock=Hasty()), BackupRequest(ClientRef("nim", "powerha1")))
        with pytest.raises(Interrupted):
            backup.step()
        assert recover(session.master_context("nim"), session.reader, wait=True).closed == [backup.run.id]
        assert session.reader.run(backup.run.id).outcome == "ok"
        (image,) = session.reader.images("nim", "powerha1")
        assert estate.objects()[image.resource]["location"] == image.location


def test_a_resource_that_nim_forgot_is_defined(run_cli: Cli, estate: Estate, estate_config: ConfigWriter) -> None:
    instead_of(
        estate,
        "nim",
        NIM,
        """$real "$@" || exit
case "$*" in *size_preview*) ;; *mk_image*) for name; do :; done; $real -o remove "$name";; esac""",
    )
    run = only_run(run_cli("backup", "powerha2", "--json", config=estate_config()))
    assert (run["outcome"], run["failure"]) == ("ok", None)
    assert estate.objects()[run["image"]["resource"]]["location"] == run["image"]["location"]
    assert nothing_left(estate, run["image"]["location"])


SILENT = "$real \"$@\" 2>&1 | sed -u '/0512-038/d'"


def test_a_whole_image_without_0512_038_is_read_to_its_end_and_kept(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    estate.fault("nim_hang_after_image", True)
    instead_of(estate, "nim", NIM, SILENT)
    config = estate_config(backup={"stall": "2s", "timeout": "60s"})
    ran = run_cli("backup", "powerha2", "--json", config=config)
    run = only_run(ran)
    assert (ran.exit_code, run["outcome"], run["failure"]["code"]) == (3, "warning", "stalled"), ran.stdout
    assert "0512-038 was not seen" in run["failure"]["message"]
    assert "restore -T" in run["image"]["verified_by"] and "0512-038" not in run["image"]["verified_by"]
    assert nothing_left(estate, run["image"]["location"])


def test_a_cut_image_without_0512_038_is_waited_for_and_not_kept(
    run_cli: Cli, estate: Estate, estate_config: ConfigWriter
) -> None:
    estate.fault("nim_hang_after_image", True)
    estate.fault("truncated_image_rc0", True)
    instead_of(estate, "nim", NIM, SILENT)
    config = estate_config(backup={"stall": "2s", "timeout": "7s"}, retry={"attempts": 1})
    run = only_run(run_cli("backup", "powerha2", "--json", config=config))
    assert (run["outcome"], run["failure"]["code"], run["image"]) == ("failed", "timed_out", None)
    assert nothing_left(estate)
