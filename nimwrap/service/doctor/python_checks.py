"""The interpreter, its SQLite, and the libraries: what is there in which version, and what is missing for whom."""

from __future__ import annotations

import platform
import sqlite3
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from nimwrap.config.model import TRANSPORTS, Config, Transport
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import fail, named, ok, skip

_SQLITE = (3, 27)  # "vacuum into", for the copy before a migration
_CORE = {
    "typer": "typer",
    "tenacity": "tenacity",
    "apscheduler": "APScheduler",
    "sqlite_utils": "sqlite-utils",
    "cronsim": "cronsim",
    "tzdata": "tzdata",
}
_BELOW = {"fabric": ("paramiko", "cryptography", "bcrypt", "PyNaCl")}


def python_checks(config: Config | None) -> Iterator[Finding]:
    """Python, SQLite, the libraries that are always needed, and those of the extras that this configuration needs."""
    yield named("python", ok(f"{platform.python_version()} ({sys.executable}) on {platform.platform(terse=True)}"))
    found = sqlite3.sqlite_version
    if sqlite3.sqlite_version_info < _SQLITE:
        yield named("sqlite", fail(f"SQLite {found} is too old", "use a Python that brings SQLite 3.27 or newer"))
    else:
        yield named("sqlite", ok(found))
    missing = [name for module, name in _CORE.items() if find_spec(module) is None]
    if missing:
        yield named("libraries", fail(f"missing: {', '.join(missing)}", f"{sys.executable} -m pip install nimwrap"))
    else:
        yield named("libraries", ok(", ".join(f"{name} {_version(name)}" for name in _CORE.values())))
    yield from _extras(config or Config())


def _extras(config: Config) -> Iterator[Finding]:
    wanted = (
        *(_by_transport(config, each) for each in TRANSPORTS.values() if each.module),
        ("report", "jinja2", config.report.html and "report.html", ()),
        ("metrics", "prometheus_client", config.report.textfile and "report.textfile", ()),
        ("notify", "apprise", "notify.urls" if config.notify.all_urls else "", ()),
    )
    for extra, module, needed, below in wanted:
        check = f"extra:{extra}"
        if find_spec(module) is not None:
            names = [module.replace("_", "-"), *below]
            yield named(check, ok(", ".join(f"{name} {_version(name)}" for name in names)))
        elif needed:
            yield named(
                check, fail(f"{module} is not installed, and {needed} needs it", f'pip install "nimwrap[{extra}]"')
            )
        else:
            yield named(check, skip("not installed, and not needed by this configuration"))


def _by_transport(config: Config, transport: Transport) -> tuple[str, str, str, Sequence[str]]:
    """The extra of a transport, its module, who needs it, and what it stands on."""
    users = [name for name, master in config.masters.items() if master.transport == transport.name]
    needed = f'transport = "{transport.name}" of {", ".join(users)}' if users else ""
    return transport.extra, transport.module, needed, _BELOW.get(transport.module, ())


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(version unknown)"
