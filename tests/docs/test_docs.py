"""The documentation says what is: every command and option of it exists, every link leads somewhere."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from nimwrap.cli.main import app
from nimwrap.config.keys import ALL_TABLES, TOP_NAMES
from nimwrap.domain.codes import FailureCode
from nimwrap.scheduling.schedule_files import KEYS
from tests.running import ROOT

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
IDS = [str(page.relative_to(ROOT)) for page in PAGES]
GROUP: Any = typer.main.get_command(app)
_CALL = re.compile(r"""(?:^\s*|\$ |command: |-a '|\* /\S+/|=/\S+/|:respawn:/\S+/)(nimwrap [^|;'">&]+)""")
CALLING = ("sh", "console", "crontab", "text", "yaml")
_PLACEHOLDER = re.compile(r"[A-Z][A-Z-]*\b")


def commands_in(page: Path) -> Iterator[list[str]]:
    """What follows ``nimwrap`` in code spans and where a line of a block calls it, as words."""
    text = page.read_text()
    spans = re.findall(r"`(nimwrap [^`]+)`", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL))
    typed = [match[1] for line in block_lines(text) if (match := _CALL.search(line))]
    for command in [*spans, *typed]:
        words = shlex.split(command.replace("\\", ""), comments=True)
        if words[1:]:
            yield words[1:]


def block_lines(text: str) -> Iterator[str]:
    """The lines of fenced blocks that are not TOML."""
    language: str | None = None
    for line in text.splitlines():
        if line.startswith("```"):
            language = line[3:] if language is None else None
        elif language in CALLING:
            yield line


def faults_of(words: list[str]) -> str:
    """What of a command line does not exist; empty when all of it does."""
    command: Any = GROUP
    context: Any = typer.Context(GROUP, info_name="nimwrap")
    left = list(words)
    known = options_of(GROUP)
    while left:
        word = left.pop(0)
        name = word.partition("=")[0]
        if name.startswith("-") and word != "-":
            if name not in known and name != "--json":
                return f"{name} of {command.name}"
            if known.get(name) and "=" not in word and left:
                left.pop(0)
        elif hasattr(command, "commands"):
            if _PLACEHOLDER.fullmatch(word) or word == "...":
                return ""
            found = command.get_command(context, word)
            if found is None:
                return f"command {word}"
            command = found
            known = options_of(command)
    return ""


def options_of(command: Any) -> dict[str, bool]:
    """The options of a command, and whether each takes a value."""
    found = {"--help": False, "-h": False}
    for parameter in command.params:
        for name in [*parameter.opts, *parameter.secondary_opts]:
            if name.startswith("-"):
                found[name] = not getattr(parameter, "is_flag", False)
    if command is GROUP:
        found |= {"--install-completion": False, "--show-completion": False}
    return found


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_command_and_option_exists(page: Path) -> None:
    faults = {" ".join(words): fault for words in commands_in(page) if (fault := faults_of(words))}
    assert faults == {}


def test_the_check_finds_what_does_not_exist() -> None:
    assert faults_of(["backup", "--al"]) == "--al of backup"
    assert faults_of(["images", "lst"]) == "command lst"
    assert faults_of(["--config", "backup", "nosuch"]) == "command nosuch"
    assert sum(len(list(commands_in(page))) for page in PAGES) > 100


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_resolves(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_readme_links_every_page() -> None:
    text = (ROOT / "README.md").read_text()
    pages = {path.name for path in (ROOT / "docs").glob("*.md")}
    assert {name for name in pages if f"(docs/{name})" not in text} == set()


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_key_in_a_configuration_exists(page: Path) -> None:
    known = {key.name for table in ALL_TABLES for key in table.keys} | {key.name for key in KEYS.keys}
    for block in re.findall(r"^```toml\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL):
        keys = re.findall(r"^(\w+) *=", block, re.MULTILINE)
        tables = [name for name in re.findall(r"^\[(\w+)", block, re.MULTILINE) if name in TOP_NAMES]
        assert "groups" in tables or [key for key in keys if key not in known] == []


def test_every_failure_code_has_its_line_in_troubleshooting() -> None:
    text = (ROOT / "docs" / "troubleshooting.md").read_text()
    rows = "".join(re.findall(r"^\|([^|]+)\|", text, re.MULTILINE))
    assert set(re.findall(r"`(\w+)`", rows)) == {code.value for code in FailureCode}
