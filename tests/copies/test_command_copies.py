"""Copies by a program of the site's own: what it stores, how that is proven, and which programs that can be."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nimwrap.history.model import ImageRow
from tests.images.imagelab import Lab
from tests.running import Cli, Ran

TSM = """\
#!/bin/sh
# An archive with state beside it: objects by name, and what is known of each.
root={root}
mkdir -p $root/$(dirname "$3")
case $1 in
archive) [ "$4" ] && echo "$4 $5" > "$root/$3.note"; cp "$2" "$root/$3" ;;
query) echo "object $3 checksum $(sha256sum < "$root/$3" | cut -d' ' -f1)" ;;
prove) [ "$(sha256sum < "$root/$3" | cut -d' ' -f1)" = "$4" ] ;;
delete) rm "$root/$3" ;;
esac
"""
NAME = "{client}/{name}"
ARCHIVE = {
    "kind": "command",
    "store": ["/usr/local/bin/tsm", "archive", "{file}", NAME, "{checksum}", "{until} of $HOME"],
    "check": ["/usr/local/bin/tsm", "query", "-", NAME],
    "remove": ["/usr/local/bin/tsm", "delete", "-", NAME],
    "keep": 1,
}


def program(lab: Lab, name: str, text: str) -> None:
    path = lab.disk(f"/usr/local/bin/{name}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def tools(lab: Lab, *names: str) -> None:
    """The build machine's own, as a site would have installed them on its master."""
    for name in names:
        found = shutil.which(name)
        assert found, f"{name} is not installed"
        lab.disk(f"/usr/bin/{name}").symlink_to(found)


def recent(lab: Lab, age: float = 1) -> ImageRow:
    return lab.make("aix01", age, created=datetime.now(UTC) - timedelta(days=age))


def copied(lab: Lab, run_cli: Cli) -> Ran:
    ran = run_cli("images", "copy", "--json", config=lab.file)
    assert ran.exit_code == 0, ran
    return ran


def listed(lab: Lab, run_cli: Cli) -> list[dict[str, Any]]:
    copies: list[dict[str, Any]] = run_cli("images", "copies", "--json", config=lab.file).data["copies"]
    return copies


@pytest.mark.parametrize("check", ["query", "prove"])
def test_an_archive_with_a_state_of_its_own(
    lab_with: Callable[..., Lab], run_cli: Cli, tmp_path: Path, check: str
) -> None:
    archive = tmp_path / "archive"
    place: dict[str, Any] = dict(ARCHIVE)
    if check == "prove":
        place["check"] = ["/usr/local/bin/tsm", "prove", "-", NAME, "{checksum}"]
    lab = lab_with(copies={"tsm": place})
    program(lab, "tsm", TSM.format(root=archive))
    tools(lab, "sha256sum", "dirname")
    first = recent(lab, 2)
    copied(lab, run_cli)
    (copy,) = listed(lab, run_cli)
    assert (copy["state"], copy["location"]) == ("ok", f"aix01/{first.resource}.mksysb")
    stored = archive / copy["location"]
    assert stored.read_bytes() == lab.disk(first.location).read_bytes()
    note = stored.with_name(f"{stored.name}.note").read_text().split()
    assert note[0] == copy["checksum"].removeprefix("sha256:")
    assert note[2:] == ["of", "$HOME"], "no shell reads the words"

    with stored.open("r+b") as file:
        file.write(b"\0\0\0\0")
    found = run_cli("images", "verify", "--copies", "--json", config=lab.file)
    assert (found.exit_code, found.codes) == (1, ["copy_failed"])
    copied(lab, run_cli)
    second = recent(lab, 1)
    ran = copied(lab, run_cli)
    assert [each["removed"] for each in ran.data["removals"]] == [True]
    assert sorted(path.name for path in archive.rglob("*.mksysb")) == [f"{second.resource}.mksysb"]


def test_a_program_that_says_it_stored_what_it_did_not_is_not_believed(
    lab_with: Callable[..., Lab], run_cli: Cli
) -> None:
    lab = lab_with(copies={"tsm": ARCHIVE})
    program(lab, "tsm", "#!/bin/sh\necho 'nw sha256 " + "0" * 64 + "'\nexit 0\n")
    recent(lab)
    ran = run_cli("images", "copy", "--json", config=lab.file)
    assert (ran.exit_code, ran.codes) == (1, ["copy_failed"])
    assert listed(lab, run_cli)[0]["state"] == "failed"


def test_a_program_that_is_not_there_is_told(lab_with: Callable[..., Lab], run_cli: Cli) -> None:
    lab = lab_with(copies={"tsm": ARCHIVE})
    recent(lab)
    ran = run_cli("images", "copy", "--json", config=lab.file)
    assert ran.exit_code == 1
    assert "tsm" in ran.data["copies"][0]["reason"]


CIPHERS = {
    "age": (
        'age-keygen -o {root}/key 2>{root}/said; sed -n "s/^# public key: //p" {root}/key > {root}/public',
        'age -R {root}/public -o {root}/$(basename "$3").age "$2"',
        'age -d -i {root}/key {root}/$(basename "$3").age',
        ("age", "age-keygen"),
    ),
    "openssl": (
        "openssl rand -hex 32 > {root}/key",
        'openssl enc -aes-256-cbc -pbkdf2 -pass file:{root}/key -in "$2" -out {root}/$(basename "$3").enc',
        'openssl enc -d -aes-256-cbc -pbkdf2 -pass file:{root}/key -in {root}/$(basename "$3").enc',
        (),
    ),
    "rclone": (
        "",
        'rclone --config {root}/conf copyto "$2" :local:{root}/"$3"',
        'rclone --config {root}/conf cat :local:{root}/"$3"',
        ("rclone",),
    ),
}


@pytest.mark.parametrize("tool", CIPHERS)
def test_what_is_stored_is_read_back_through_the_same_tool(
    lab_with: Callable[..., Lab], run_cli: Cli, tmp_path: Path, tool: str
) -> None:
    prepare, store, fetch, needed = CIPHERS[tool]
    if missing := [name for name in (tool, *needed) if not shutil.which(name)]:
        pytest.skip(f"{missing[0]} is not installed")
    root = tmp_path / "vault"
    root.mkdir()
    lab = lab_with(copies={"vault": {**ARCHIVE, **{key: ["/usr/local/bin/vault", *ARCHIVE[key][1:]] for key in KEYS}}})
    tools(lab, "sha256sum", "basename", *needed)
    lines = {"archive": store, "query": f"{fetch} | sha256sum", "delete": f'rm -f {root}/$(basename "$3").*'}
    cases = "".join(f"{word}) {line.format(root=root)} ;;\n" for word, line in lines.items())
    program(lab, "prepare", f"#!/bin/sh\n{prepare.format(root=root) or ':'}\n")
    lab.run("/usr/local/bin/prepare")
    program(lab, "vault", f"#!/bin/sh\ncase $1 in\n{cases}esac\n")
    row = recent(lab)
    copied(lab, run_cli)
    (copy,) = listed(lab, run_cli)
    assert (copy["state"], copy["checksum"][:7]) == ("ok", "sha256:")
    if tool != "rclone":
        stored = [path.read_bytes() for path in root.glob("*.mksysb.*")]
        assert stored and lab.disk(row.location).read_bytes() not in stored
    assert run_cli("images", "verify", "--copies", config=lab.file).exit_code == 0


KEYS = ("store", "check", "remove")
