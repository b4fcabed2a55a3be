"""What a faultless configuration becomes, and where it is looked for."""

from pathlib import Path

import pytest

from nimwrap.config.load import SYSTEM_PATH, find_config, load
from nimwrap.config.secret import Secret
from nimwrap.domain.errors import NimwrapError
from tests.config.samples import WHOLE


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "nimwrap.toml"
    file.write_text(WHOLE)
    return file


def test_records(path: Path) -> None:
    config = load(path)
    assert config.path == path
    assert config.schedules == path.parent / "schedules"
    assert config.database == Path("/var/lib/nimwrap/history.db")
    assert config.masters["nim"].env == {"NIM_MKSYSB_SUBDIRS": "yes"}
    assert config.masters["nim2"].transport == "local"
    assert config.backup.mksysb_flags == "Xe"
    assert config.backup.timeout == 5400
    assert config.groups["cluster"] == ("powerha1", "powerha2")


@pytest.mark.parametrize(
    ("master", "client", "keep", "wait"),
    [("nim", "powerha1", 5, 600), ("nim2", "powerha1", 6, 300), ("nim", "aix01", 4, 300), ("nim2", "aix01", 3, 300)],
)
def test_the_nearest_wins(path: Path, master: str, client: str, keep: int, wait: int) -> None:
    config = load(path)
    assert config.policy(master, client).keep == keep
    assert config.retry_policy(master, client).wait == wait


def test_what_the_command_line_says_wins_over_all_layers(path: Path) -> None:
    forced = load(path).saying(keep=1)
    assert {forced.policy(m, c).keep for m in ("nim", "nim2") for c in ("powerha1", "aix01")} == {1}
    assert forced.retry_policy("nim", "powerha1").wait == 600


def test_a_relative_file_name_makes_absolute_paths(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    assert load(Path("nimwrap.toml")).schedules == path.parent / "schedules"


def test_search_order(tmp_path: Path) -> None:
    own = tmp_path / "nimwrap" / "nimwrap.toml"
    environ = {"NIMWRAP_CONFIG": "/env.toml", "XDG_CONFIG_HOME": str(tmp_path), "HOME": "/nowhere"}
    assert find_config(Path("/named.toml"), environ) == Path("/named.toml")
    assert find_config(None, environ) == Path("/env.toml")
    del environ["NIMWRAP_CONFIG"]
    fallback = SYSTEM_PATH if SYSTEM_PATH.exists() else None
    assert find_config(None, environ) == fallback
    own.parent.mkdir()
    own.touch()
    assert find_config(None, environ) == own
    assert find_config(None, {"HOME": str(tmp_path)}) == fallback
    own.parent.rename(tmp_path / ".config")
    (tmp_path / ".config" / "nimwrap").mkdir()
    (tmp_path / ".config" / "nimwrap" / "nimwrap.toml").touch()
    assert find_config(None, {"HOME": str(tmp_path)}) == tmp_path / ".config" / "nimwrap" / "nimwrap.toml"


def test_clients_without_a_table_share_one_policy(path: Path) -> None:
    """10,000 clients ask for theirs twice or more; only a table of its own makes another."""
    config = load(path)
    assert config.policy("nim", "one") is config.policy("nim", "other")
    forced = config.saying(keep=7)
    assert (forced.policy("nim", "one").keep, config.policy("nim", "one").keep != 7) == (7, True)


def test_secrets_are_read_late_and_never_shown(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    by_file, by_credential, literal = load(path).notify.urls
    assert str(literal) == "json://***"
    assert "token" not in f"{literal!r} {[literal]} {literal}"
    assert literal.reveal() == "json://user:token@chat.example.com/x"
    assert str(by_file) == "file:/etc/nimwrap/url"
    with pytest.raises(NimwrapError, match="LoadCredential"):
        by_credential.reveal()
    (tmp_path / "mail").write_text("mailto://x\n")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert by_credential.reveal() == "mailto://x"
    assert Secret(f"file:{tmp_path}/mail").reveal() == "mailto://x"
    with pytest.raises(NimwrapError, match="cannot be read"):
        Secret("file:/nonexistent/secret").reveal()


def test_a_hidden_home_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """After ``sudo -u`` HOME may be a directory that this user cannot enter; /etc then still counts."""

    def forbidden(self: Path) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "stat", forbidden)
    assert find_config(None, {"HOME": "/root"}) == SYSTEM_PATH
