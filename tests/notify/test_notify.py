"""Those who should know hear what is new, once; no secret is seen anywhere, and a dead server breaks no backup."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import gethostname

import pytest

from nimwrap.config.load import load
from nimwrap.domain.alert_kind import AlertKind
from nimwrap.estate import Estate
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store
from nimwrap.monitoring.alerts.alert_states import Item, News
from nimwrap.monitoring.alerts.digest import composed, digest
from nimwrap.monitoring.alerts.tell_news import tell_news
from nimwrap.monitoring.alerts.weekly import begin_of_week
from nimwrap.monitoring.protection import Protection
from tests.notify.conftest import Mailbox, Web
from tests.running import Cli

TOKEN = "s3cr3t-t0ken-9f"


@pytest.fixture
def configured(tmp_path: Path, estate: Estate) -> Callable[..., Path]:
    """Writes a configuration whose [notify] refers to files that hold the URLs; ``on`` as TOML text."""

    def write(*urls: str, ping: str = "", on: str = "") -> Path:
        estate.instant()
        references = []
        for number, url in enumerate(urls):
            file = tmp_path / f"url{number}"
            file.write_text(url + "\n")
            references.append(f'"file:{file}"')
        table = f"[notify]\nurls = [{', '.join(references)}]\n"
        if ping:
            (tmp_path / "ping").write_text(ping)
            table += f'ping = "file:{tmp_path / "ping"}"\n'
        path = tmp_path / "nimwrap.toml"
        path.write_text(estate.config() + "\n" + table + (f"on = {on}\n" if on else ""))
        return path

    return write


def test_one_digest_then_silence_then_recovery(
    estate: Estate, configured: Callable[..., Path], run_cli: Cli, mailbox: Mailbox
) -> None:
    config = configured(mailbox.url)
    done = run_cli("backup", "aix01", "aix02", config=config)
    assert done.exit_code == 0, done.stderr
    assert mailbox.subjects == [
        f"nimwrap CRITICAL: 2 overdue ({gethostname()})"
    ]  # the pair that nobody asked for was never backed up
    body = mailbox.mails[0].get_content()
    assert "- powerha1: never backed up" in body
    assert "- aix01" not in body

    run_cli("backup", "aix01", config=config)
    assert len(mailbox.mails) == 1

    run_cli("backup", "powerha1", "powerha2", config=config)
    assert mailbox.subjects[1:] == [f"nimwrap OK: 2 recovered ({gethostname()})"]


def test_a_failure_is_told_with_its_cure(
    estate: Estate, configured: Callable[..., Path], run_cli: Cli, mailbox: Mailbox
) -> None:
    config = configured(mailbox.url, on='["failed"]')
    for _ in range(2):
        assert run_cli("backup", "powerha1", "--no-remedy", config=config).exit_code == 10
    assert mailbox.subjects == [f"nimwrap CRITICAL: 1 failed ({gethostname()})"]
    body = mailbox.mails[0].get_content()
    assert "10.10.10.102" in body
    assert "fix: " in body


@pytest.mark.parametrize(
    ("first", "second"), [("aix05", "aix07"), ("web1", "web2")], ids=["names of clients", "names of anything"]
)
def test_two_faults_that_differ_only_in_digits_are_both_told(
    first: str, second: str, estate: Estate, configured: Callable[..., Path], run_cli: Cli, web: Web
) -> None:
    config = configured(f"json://127.0.0.1:{web.port}/x", on='["warning"]')
    schedule = config.parent / "schedules" / "yearly.toml"
    schedule.parent.mkdir(exist_ok=True)
    for targets in ([first], [second], [second]):
        schedule.write_text(f'[yearly]\ncron = "0 1 1 1 *"\ntargets = {json.dumps(["*", *targets])}\n')
        assert run_cli("schedule", "due", config=config).exit_code == 0
    told = [json.loads(body)["message"] for _, body in web.taken]
    assert [name in message for name, message in zip((first, second), told, strict=True)] == [True, True]


def test_pings_with_one_id(configured: Callable[..., Path], run_cli: Cli, web: Web) -> None:
    config = configured(ping=web.url(f"/ping/{TOKEN}/"))
    run_cli("backup", "aix01", config=config)
    run_cli("backup", "powerha1", "--no-remedy", config=config)
    paths = [path.partition("?") for path, _ in web.taken]
    assert [path for path, _, _ in paths] == [f"/ping/{TOKEN}{end}" for end in ("/start", "", "/start", "/fail")]
    rids = [query for _, _, query in paths]
    assert rids[0] == rids[1] != rids[2] == rids[3]
    assert rids[0].startswith("rid=")
    assert "nim/powerha1: refused (source_address_mismatch)" in web.taken[3][1]


def test_a_dead_server_breaks_no_backup_and_is_told_later(
    configured: Callable[..., Path], run_cli: Cli, web: Web, tmp_path: Path
) -> None:
    web.answer = 503
    config = configured(f"json://user:{TOKEN}@127.0.0.1:{web.port}/{TOKEN}", ping=web.url(f"/{TOKEN}"))
    done = run_cli("-v", "backup", "aix01", config=config)
    assert done.exit_code == 0
    assert "notify.urls[0] (json): it did not take the message, tried 3 times" in done.stderr
    assert "the ping was answered with HTTP 503" in done.stderr
    assert len(web.taken) > 3
    files = [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith(("url", "ping"))]
    assert any(path.name == "history.db" for path in files)
    assert [path for path in files if TOKEN.encode() in path.read_bytes()] == []
    assert TOKEN not in done.stdout + done.stderr


@pytest.mark.parametrize("arguments", [("notify", "test"), ("notify", "unit-failed", "nimwrap.service")])
def test_each_place_gets_one_message(
    arguments: tuple[str, ...], configured: Callable[..., Path], run_cli: Cli, mailbox: Mailbox, web: Web
) -> None:
    config = configured(mailbox.url, f"json://127.0.0.1:{web.port}/{TOKEN}", "nosuch://x", ping=web.url("/p"))
    done = run_cli(*arguments, "--json", config=config)
    assert done.exit_code == 1
    assert [place["delivered"] for place in done.data["places"]] == [True, True, False, True]
    assert done.json["errors"][0]["message"] == "notify.urls[2] (nosuch): Apprise does not understand this URL"
    assert len(mailbox.mails) == 1
    assert {path for path, _ in web.taken} == {f"/{TOKEN}", "/p" if arguments[1] == "test" else "/p/fail"}
    assert TOKEN not in done.stdout + done.stderr


def test_without_a_place_there_is_nothing_to_test(configured: Callable[..., Path], run_cli: Cli) -> None:
    done = run_cli("notify", "test", "--json", config=configured())
    assert (done.exit_code, done.codes) == (78, ["config_invalid"])


def test_text_of_a_host_calls_nobody_in_a_chat() -> None:
    reason = "mksysb: @everyone look <!channel> <@U024BE7LH> ops@example.com @Here"
    news = News({AlertKind.FAILED: (Item("aix01", reason),)})
    told = digest(news, Protection(datetime(2026, 11, 23, tzinfo=UTC), (), (), None), "ctl@here")
    for call in ("@everyone", "<!channel", "<@U", "@Here", "@here"):
        assert call not in told.body + told.subject
    assert "ops@example.com" in told.body


def test_a_mail_has_one_part_of_plain_text_and_one_of_html(
    configured: Callable[..., Path], run_cli: Cli, mailbox: Mailbox
) -> None:
    config = configured(mailbox.url.replace("&format=text", ""), mailbox.url, on='["failed", "digest"]')
    config.write_text('site_name = "Melbourne <1>"\n' + config.read_text())
    assert run_cli("backup", "powerha1", "--no-remedy", config=config).exit_code == 10
    by_parts = {len([part for part in mail.walk() if not part.is_multipart()]): mail for mail in mailbox.mails[:2]}
    assert str(by_parts[2]["Subject"]) == "nimwrap CRITICAL: 1 failed (Melbourne <1>)"
    plain, html = (part for part in by_parts[2].walk() if not part.is_multipart())
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    for told in ("powerha1", "10.10.10.102", "fix: ", "More: nimwrap status"):
        assert told in plain.get_content()
        assert told in html.get_content()
    assert "<li" not in plain.get_content()
    assert "<script" not in html.get_content()
    assert "font-size:16px" in html.get_content()
    assert by_parts[1].get_content_type() == "text/plain"
    digests = [subject for subject in mailbox.subjects if "weekly digest" in subject]
    assert digests == ["nimwrap CRITICAL: weekly digest, 0 of 4 clients protected (Melbourne <1>)"] * 2


def test_what_a_host_says_is_no_html_in_a_mail() -> None:
    made = composed("subject\nof two lines", ["<b>lead</b>"], [("Failed", [Item("a<i>", "x & y", "<do>")])])
    assert "<b>lead" not in made.html
    assert "a&lt;i&gt;" in made.html
    assert "x &amp; y" in made.html
    assert "\n" not in made.subject


def test_all_well_is_told_once_a_week(configured: Callable[..., Path], run_cli: Cli, mailbox: Mailbox) -> None:
    config = configured(mailbox.url, on='["digest"]')
    assert run_cli("backup", "--all", config=config).exit_code == 0
    assert run_cli("schedule", "due", config=config).exit_code == 0
    assert mailbox.subjects == [f"nimwrap OK: weekly digest, 4 of 4 clients protected ({gethostname()})"]
    body = mailbox.mails[0].get_content()
    assert "All 4 clients are protected." in body
    assert ": 4 ok." in body
    loaded, now = load(config), datetime.now(UTC)
    with Store.open(loaded.database) as store, Reader.open(loaded.database) as reader:
        monday = begin_of_week(now + timedelta(days=7))
        assert tell_news(loaded, store, reader, monday - timedelta(seconds=1)) == []
        assert len(mailbox.mails) == 1
        assert tell_news(loaded, store, reader, monday) == []
        assert tell_news(loaded, store, reader, monday + timedelta(days=1)) == []
    assert len(mailbox.mails) == 2


def test_a_week_begins_on_monday_at_eight_by_this_machines_clock() -> None:
    monday = datetime(2026, 11, 30, 8, 0).astimezone()
    assert begin_of_week(monday) == monday
    assert begin_of_week(monday + timedelta(days=6, hours=23)) == monday
    assert begin_of_week(monday - timedelta(minutes=1)) == monday - timedelta(days=7)


def test_recipients_are_told_of_their_own_clients(
    configured: Callable[..., Path], run_cli: Cli, mailbox: Mailbox, web: Web
) -> None:
    config = configured(mailbox.url)
    url = config.parent / "plain-url"
    url.write_text(f"json://127.0.0.1:{web.port}/plain")
    own = f'[notify.plain]\nurls = ["file:{url}"]\non = ["overdue"]\ntargets = ["aix*"]\n'
    config.write_text(config.read_text() + own)
    assert run_cli("backup", "aix01", config=config).exit_code == 0
    (told,) = [json.loads(body) for path, body in web.taken if path == "/plain"]
    assert told["title"] == f"nimwrap CRITICAL: 1 overdue ({gethostname()})"
    assert "aix02" in told["message"]
    assert "powerha" not in told["message"]
    assert mailbox.subjects == [f"nimwrap CRITICAL: 3 overdue ({gethostname()})"]
    tested = run_cli("notify", "test", "--json", config=config)
    assert [place["place"] for place in tested.data["places"]] == [
        "notify.urls[0] (mailto)",
        "notify.plain.urls[0] (json)",
    ]
    wrong = config.read_text().replace('targets = ["aix*"]', 'targets = ["group:none"]\nurl = "x"')
    config.write_text(wrong)
    refused = run_cli("config", "validate", "--json", config=config)
    assert refused.exit_code == 78
    assert len(refused.json["errors"]) == 2
