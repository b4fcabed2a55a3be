"""What every test gets: a clean environment, nimwrap as a process, an estate, and no silent skip in CI."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from nimwrap.estate import Estate
from tests.estates import built
from tests.preloaded import Preloaded, preloaded
from tests.running import Cli, ConfigWriter, environment, run

_LEAKS = (
    "NIMWRAP_CONFIG",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "NO_COLOR",
    "FORCE_COLOR",
    "PY_COLORS",
    "GITHUB_ACTIONS",
    "JOURNAL_STREAM",
    "INVOCATION_ID",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "CREDENTIALS_DIRECTORY",
    "STATE_DIRECTORY",
)


settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the configuration, the terminal or the service manager of whoever runs it."""
    for name in _LEAKS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "dumb")


@pytest.fixture(scope="session", autouse=True)
def command_server() -> Iterator[None]:
    """Estates of this process ask one server for what their commands read; a test that must not takes the name away."""
    from nimwrap.estate.server import running

    with TemporaryDirectory(prefix="estate-") as directory, running(Path(directory)) as place:
        os.environ["ESTATE_SERVER"] = place
        yield


@pytest.fixture(scope="session")
def loaded_nimwrap() -> Iterator[Preloaded | None]:
    """One process that has loaded nimwrap, from which ``run_cli`` forks those that it runs."""
    with (
        TemporaryDirectory(prefix="nimwrap-") as directory,
        preloaded(Path(directory), environment(Path(directory))) as loaded,
    ):
        yield loaded


@pytest.fixture
def run_cli(tmp_path: Path, loaded_nimwrap: Preloaded | None) -> Cli:
    """``run_cli("backup", "powerha1", "--json", config=PATH) -> Ran``; HOME is an empty directory of the test."""
    home = tmp_path / "home"
    home.mkdir()
    return partial(run, home=home, loaded=loaded_nimwrap)


@pytest.fixture
def estate(tmp_path: Path) -> Iterator[Estate]:
    """The founding case: master ``nim``, the PowerHA pair with the service address first on powerha1, plain clients."""
    made = built(tmp_path / "estate")
    yield made
    made.stop()  # whatever still waits in it goes on, also where the test has failed


@pytest.fixture
def estate_config(estate: Estate, tmp_path: Path) -> ConfigWriter:
    """Writes ``estate.config(...)`` to a file and returns its path."""

    def write(*arguments: Any, **tables: Any) -> Path:
        path = tmp_path / "nimwrap.toml"
        path.write_text(estate.config(*arguments, **tables))
        return path

    return write


@pytest.fixture
def schedules(tmp_path: Path) -> Callable[..., None]:
    """Writes the table of one schedule; ``targets`` are a list, other keys text."""

    def write(name: str = "nightly", *, targets: list[str], **keys: str) -> None:
        (tmp_path / "schedules").mkdir(exist_ok=True)
        lines = [f'{key} = "{value}"' for key, value in keys.items()]
        (tmp_path / "schedules" / f"{name}.toml").write_text("\n".join([f"[{name}]", f"targets = {targets}", *lines]))

    return write


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of few long tests first: they should go on beside the others and not after them."""
    items.sort(key=lambda item: not any(item.get_closest_marker(name) for name in ("lab", "shells")))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Where NIMWRAP_FORBID_SKIPS is set (CI), a skipped test of sshd, shells, lab or browser has failed."""
    report: pytest.TestReport = yield  # type: ignore[assignment]  # the wrapped hook's result comes back here
    needs = any(item.get_closest_marker(name) for name in ("sshd", "shells", "lab", "browser"))
    if os.environ.get("NIMWRAP_FORBID_SKIPS") and needs and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"this test must not be skipped here: {reason}"
    return report  # type: ignore[return-value]
