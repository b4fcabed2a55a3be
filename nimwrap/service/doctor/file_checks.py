"""Files on this machine: the configuration, keys and known host keys, the state directory, where reports go."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from nimwrap.config.model import Config, MasterConfig
from nimwrap.domain.durations import format_size
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import fail, named, ok, skip, warn

_LITTLE = 100 * 1024 * 1024
_KEYGEN_LIMIT_S = 10


def configuration_checks(path: Path | None) -> tuple[Config | None, list[Finding]]:
    """The configuration, if it can be used, and all its faults."""
    from nimwrap.config.file_references import file_problems
    from nimwrap.config.load import read

    if path is None:
        hint = "nimwrap config init --output /etc/nimwrap/nimwrap.toml"
        return None, [named("configuration", fail("there is no configuration file", hint))]
    try:
        document = read(path)
        problems = file_problems(document)
    except NimwrapError as error:
        return None, [
            named("configuration", fail(one.message, one.hint or "correct the file")) for one in error.problems
        ]
    found = [named("configuration", fail(one.message, one.hint)) for one in problems]
    if not document.config.masters:
        found.append(named("configuration", fail(f"{path} names no master", "add a table such as [masters.nim]")))
    return document.config, found or [named("configuration", ok(f"{path}: no faults"))]


def file_checks(config: Config) -> Iterator[Finding]:
    """Permissions and presence of what the configuration names."""
    yield from _open_secrets(config)
    for master in config.masters.values():
        if master.remote:
            yield from _key(master)
            yield _host_key(master)
    yield _state_directory(config.state_dir)
    for key, text in (("html", config.report.html), ("textfile", config.report.textfile)):
        if text:
            yield _writable(f"report.{key}", Path(text).parent)


def _open_secrets(config: Config) -> Iterator[Finding]:
    """URLs written into a configuration that others may read; their values are not shown."""
    secrets = [*config.notify.all_urls.values(), config.notify.ping]
    literal = [secret for secret in secrets if secret and not str(secret).startswith(("file:", "credential:"))]
    if literal and config.path is not None and config.path.stat().st_mode & 0o044:
        fix = f"chmod 640 {config.path}, or move the URLs into files and write file:PATH"
        yield named("secrets", warn(f"[notify] holds URLs, and everybody on this machine may read {config.path}", fix))
    for secret in secrets:
        kind, _, rest = str(secret).partition(":")
        path = Path(rest).expanduser()
        if kind == "file" and path.is_file() and path.stat().st_mode & 0o077:
            yield named("secrets", warn(f"others may read {path}", f"chmod 600 {path}"))


def _key(master: MasterConfig) -> Iterator[Finding]:
    from nimwrap.hosts.ssh_identity import identity_file

    check = f"key:{master.name}"
    if master.identity_file.startswith("credential:") and not os.environ.get("CREDENTIALS_DIRECTORY"):
        yield named(check, skip(f"{master.identity_file} exists only inside its systemd unit"))
        return
    try:
        path = identity_file(master)
    except NimwrapError as error:
        yield named(check, fail(error.message, error.hint))
        return
    if path is None:
        yield named(check, skip("no identity_file: the agent, or ssh's own defaults"))
        return
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        yield named(check, fail(f"others may read the private key {path} ({mode:04o})", f"chmod 600 {path}"))
    else:
        yield named(check, ok(f"{path} ({mode:04o})"))


def _host_key(master: MasterConfig) -> Finding:
    """Whether the master's host key is known, before anything is connected."""
    from nimwrap.hosts.ssh_identity import endpoint, known_hosts

    check, name = f"host_key:{master.name}", endpoint(master).known_as
    if master.ssh_config:
        return named(check, skip(f"{master.ssh_config} may name another host; reaching the master tells"))
    keygen = shutil.which("ssh-keygen")
    if keygen is None:
        return named(check, skip("there is no ssh-keygen here; reaching the master tells"))
    files = [path for path in known_hosts(master) if path.is_file()]
    for path in files:
        argv = [keygen, "-F", name, "-f", str(path)]
        if subprocess.run(argv, capture_output=True, check=False, timeout=_KEYGEN_LIMIT_S).returncode == 0:
            return named(check, ok(f"{name} is known in {path}"))
    wanted = known_hosts(master)[0]
    scan = f"ssh-keyscan -p {master.port} {master.host}"
    fix = f"{scan} >> {wanted}, after comparing `{scan} | ssh-keygen -lf -` with the key on the host's own console"
    return named(check, fail(f"the host key of {name} is in none of {', '.join(map(str, known_hosts(master)))}", fix))


def _state_directory(directory: Path) -> Finding:
    check = "state_dir"
    if not directory.exists():
        return _to_be_made(check, directory)
    found = directory.stat()
    if found.st_uid != os.geteuid():
        fix = f"run nimwrap as the user with the number {found.st_uid}: sudo -u '#{found.st_uid}' nimwrap doctor"
        return named(check, fail(f"{directory} belongs to another user", fix))
    if found.st_mode & 0o077:
        return named(check, warn(f"others may enter {directory}", f"chmod 700 {directory}"))
    loose = [path for path in directory.glob("history.db*") if path.stat().st_mode & 0o077]
    if loose:
        return named(check, warn(f"others may read {loose[0]}", f"chmod 600 {directory}/history.db*"))
    free = shutil.disk_usage(directory).free
    if free < _LITTLE:
        return named(
            check, fail(f"only {format_size(free)} free in {directory}", "free some space, then nimwrap recover")
        )
    return named(check, ok(f"{directory} is private to this user, {format_size(free)} free"))


def _to_be_made(check: str, directory: Path) -> Finding:
    above = next(path for path in directory.absolute().parents if path.exists())
    if os.access(above, os.W_OK):
        return named(check, ok(f"{directory} is not there yet; it will be made with mode 0700"))
    fix = f"install -d -m 0700 -o {_user()} {directory}"
    return named(check, fail(f"{directory} is not there, and {above} may not be written", fix))


def _writable(check: str, directory: Path) -> Finding:
    if directory.is_dir() and os.access(directory, os.W_OK | os.X_OK):
        return named(check, ok(f"{directory} can be written"))
    return named(check, fail(f"{directory} is not there or may not be written", f"let {_user()} write {directory}"))


def _user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
