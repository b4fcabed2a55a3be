"""Every shell command of README and docs is typed as it stands there, or is in a list that says why it cannot be."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.docs.typing import Shell, Typed, commands_of
from tests.running import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

AIX = "SRC, init and their tools are AIX's"
INDEX = "needs a package index, or what was built with one (test_install walks it)"
MASTER = "needs a NIM master to copy to or to ask"
ROOTS = "needs root, and changes users or file owners"
SYSTEMD = "needs root and systemd (tests/scheduling/test_systemd.py verifies the units)"
NOT_TYPED = {
    r"make (demo|test)": "make test runs this very test; make demo is tests/cli and CI",
    r"(mkssys|startsrc|stopsrc|lssrc|chssys|rmssys|mkitab|lsitab|rmitab|telinit|kill -1 \$\(lssrc) ?.*": AIX,
    r"tail -f .*": "never ends",
    r"time (restore|cksum) .*": "times AIX's own restore on a real image",
    r"python3 (scripts/pyz\.py|-m pip wheel|-m venv /opt/nimwrap).*|/opt/nimwrap/bin/pip install .*": INDEX,
    r"/opt/freeware/bin/python3\.12 -m venv .*|(tar -cf|cd /tmp &&).* wheelhouse.*|ln -s /opt/nimwrap/.*": INDEX,
    r"nimwrap config init --from-master .*|scp .*|ssh-keyscan .*|ssh-keygen -lf /etc/nimwrap/known_hosts": MASTER,
    r"useradd .*|install -d .*|chown .*": ROOTS,
    r"(install .* |cp .* )/etc/(credstore|systemd)/.*|systemctl .*": SYSTEMD,
    r"datasette .*": "Datasette is no dependency (tests/history/test_docs.py checks its file)",
}
FAULTS_ARE_AN_ANSWER = re.compile(r".*nimwrap (doctor|status|notify test).*")


def reason(command: Typed) -> str | None:
    return next((why for pattern, why in NOT_TYPED.items() if re.fullmatch(pattern, command.text)), None)


EVERY = [command for page in PAGES for command in commands_of(page)]


class Ear(BaseHTTPRequestHandler):
    """A place that may be pinged."""

    def do_POST(self) -> None:
        self.send_response(200)
        self.end_headers()

    do_GET = do_POST  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        return


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    server = HTTPServer(("127.0.0.1", 0), Ear)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    shell = Shell(tmp_path_factory.mktemp("typed"), f"http://127.0.0.1:{server.server_port}/ping")
    yield shell
    server.shutdown()
    server.server_close()


def one_has_been_made(shell: Shell) -> None:
    """Who reads README begins; who reads another page has made an image before."""
    if '"runs": []' in shell.type("nimwrap history --json", shell.root).stdout:
        assert shell.type("nimwrap backup powerha1", shell.root).returncode == 0


@pytest.mark.parametrize("page", PAGES, ids=[str(page.relative_to(ROOT)) for page in PAGES])
def test_the_commands_of_a_page_do_what_it_says(page: Path, shell: Shell, tmp_path: Path) -> None:
    wrong = []
    if page.name == "README.md":
        shell = Shell(tmp_path / "begin", shell.notified)
    else:
        one_has_been_made(shell)
    for command in commands_of(page):
        if reason(command):
            continue
        done = shell.type(command.text, place_of(command, shell, tmp_path))
        faults = 1 if FAULTS_ARE_AN_ANSWER.fullmatch(command.text) else 0
        faults = 2 if "--nagios" in command.text else faults
        if not 0 <= done.returncode <= faults:
            wrong.append(f"`{command.text}` ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    assert wrong == [], "\n".join(wrong)


def place_of(command: Typed, shell: Shell, tmp_path: Path) -> Path:
    """Where a reader would stand: in the clone, in the state directory, or anywhere."""
    if "history.db" in command.text:
        return shell.root / "var" / "lib" / "nimwrap"
    return ROOT if command.text.startswith("cp man/") else tmp_path


def test_most_commands_are_typed_and_no_excuse_is_left_over() -> None:
    excused = [command for command in EVERY if reason(command)]
    assert len(EVERY) - len(excused) >= 45
    used = {reason(command) for command in excused}
    assert used == set(NOT_TYPED.values())
    left = [pattern for pattern in NOT_TYPED if not any(re.fullmatch(pattern, command.text) for command in EVERY)]
    assert left == []


def test_every_block_says_what_it_is() -> None:
    known = {"sh", "console", "toml", "yaml", "text", "crontab", "sudoers"}
    for page in PAGES:
        fences = re.findall(r"^```(.*)$", page.read_text(), re.MULTILINE)
        assert set(fences[::2]) <= known, page


def test_no_page_names_this_machine() -> None:
    for page in PAGES:
        assert str(ROOT) not in page.read_text()
        assert not re.search(r"pypi\.|/opt/pypi|/work/|index-url", page.read_text()), page
