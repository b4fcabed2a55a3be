"""Every fault of a configuration is told, all of them at once, each with its line and a way out."""

from pathlib import Path

import pytest

from nimwrap.config.load import load
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError
from tests.config.samples import CASES


def faults(path: Path) -> list[tuple[int, str, str]]:
    """Line, message and hint of each fault; the message's file is taken off."""
    with pytest.raises(NimwrapError) as caught:
        load(path)
    assert (caught.value.exit_code, caught.value.code) == (ExitCode.CONFIG, "config_invalid")
    found = []
    for problem in caught.value.problems:
        assert problem.code == "config_invalid"
        assert problem.message.startswith(f"{path}:")
        line, _, message = problem.message.removeprefix(f"{path}:").partition(": ")
        found.append((int(line or 0), message, problem.hint))
    return found


@pytest.mark.parametrize("name", CASES)
def test_one_fault(name: str, tmp_path: Path) -> None:
    text, line, message, hint = CASES[name]
    path = tmp_path / "nimwrap.toml"
    path.write_text(text)
    found = faults(path)
    assert len(found) == 1, found
    assert found[0][0] == line
    assert message in found[0][1]
    assert hint in found[0][2]
    assert len(found[0][1]) < 300


def test_all_faults_at_once_in_the_order_of_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "nimwrap.toml"
    path.write_text("schedulez = 1\n[backup]\nkeep = 0\nstall = 3\n[clients.'a b']\n[masters.nim]\nport = 'x'\n")
    assert [line for line, _, _ in faults(path)] == [1, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"a = 1\nb = '\xff'", "2: this byte is not UTF-8: 0xff"), (b"\xff\xfe\x00", "1: this byte is not UTF-8")],
)
def test_not_text(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "nimwrap.toml"
    path.write_bytes(content)
    with pytest.raises(NimwrapError, match=message):
        load(path)


def test_no_file_and_no_regular_file(tmp_path: Path) -> None:
    for path, said in ((tmp_path / "absent.toml", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(NimwrapError, match=said) as caught:
            load(path)
        assert caught.value.exit_code == ExitCode.CONFIG
        assert caught.value.hint


def test_windows_line_ends_count_as_one(tmp_path: Path) -> None:
    path = tmp_path / "nimwrap.toml"
    path.write_bytes(b"# one\r\n[backup]\r\nkeep = 0\r\n")
    assert faults(path)[0][0] == 3
