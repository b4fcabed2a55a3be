"""The three ways in which a master cannot be worked with, each with the line that mends it (exit 12)."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.hosts.command import NO_KSH, Unwrapped


@dataclass(frozen=True)
class Endpoint:
    """One SSH server on the way to master ``master``: the master itself or a jump host; port 0: no network."""

    master: str
    host: str
    port: int
    user: str

    def __str__(self) -> str:
        login = f"{self.user}@{self.host}" if self.user else self.host
        return f"{login}:{self.port}" if self.port else login

    @property
    def known_as(self) -> str:
        """The name under which known_hosts files hold its key."""
        return self.host if self.port == 22 else f"[{self.host}]:{self.port}"


def first_line(text: str, default: str = "no reason given") -> str:
    """The first line of ``text`` that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), default)


def unreachable(endpoint: Endpoint, why: str, hint: str = "") -> NimwrapError:
    """``master_unreachable``: nothing was started there; it may pass."""
    return master_unreachable(
        f"master {endpoint.master}: {endpoint} cannot be reached: {why}",
        hint or f"try: ssh -p {endpoint.port} {endpoint.user}@{endpoint.host} true",
    )


def host_key_refused(endpoint: Endpoint, known_hosts: str, *, changed: bool, offered: str = "") -> NimwrapError:
    """``host_key_changed``: the key is unknown or another one than before. ``offered`` is its type and fingerprint."""
    file = shlex.quote(known_hosts)
    name = shlex.quote(endpoint.known_as)
    shown = f" (offered: {offered})" if offered else ""
    scan = f"ssh-keyscan -p {endpoint.port} {endpoint.host}"
    compare = "compare with `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` typed on that host's own console"
    if changed:
        message = f"master {endpoint.master}: the host key of {endpoint} is not the one in {known_hosts}{shown}"
        hint = (
            f"known: ssh-keygen -l -F {name} -f {file}; offered now: {scan} | ssh-keygen -lf -; {compare}; "
            f"only if the change is meant: ssh-keygen -R {name} -f {file} and {scan} >> {file}"
        )
    else:
        message = f"master {endpoint.master}: the host key of {endpoint} is not known in {known_hosts}{shown}"
        hint = (
            f"known: ssh-keygen -F {name} -f {file}; offered: {scan} | ssh-keygen -lf -; {compare}; "
            f"if they are the same: {scan} >> {file}"
        )
    return NimwrapError(message, code="host_key_changed", hint=hint, exit_code=ExitCode.MASTER)


def login_refused(endpoint: Endpoint, why: str, hint: str = "") -> NimwrapError:
    """``login_refused``: the server answers, but does not let this user run commands."""
    return NimwrapError(
        f"master {endpoint.master}: {endpoint} refuses the login: {why}",
        code="login_refused",
        hint=hint or f"add the public key to ~{endpoint.user}/.ssh/authorized_keys there; sshd's log has the reason",
        exit_code=ExitCode.MASTER,
    )


def unfinished(become: str, back: Unwrapped, code: int | None) -> str:
    """A line for the stderr of a script whose begin was not seen in its time, where that may be sudo's doing; or ""."""
    if code is None and not back.started and become == "sudo":
        return "sudo has not begun the script within its time: it hangs, or waits for something nobody can answer\n"
    return ""


def not_begun(endpoint: Endpoint, become: str, back: Unwrapped, code: int) -> NimwrapError:
    """``login_refused``: the login was accepted, and yet the command ended with ``code`` before a script began."""
    if code != NO_KSH:
        return login_refused(endpoint, first_line(back.before + back.stdout), start_hint(become))
    return login_refused(
        endpoint,
        "the login shell of this user there is csh, which reads no script of ksh",
        f"on that host: chsh {endpoint.user} /usr/bin/ksh",
    )


def start_hint(become: str) -> str:
    """How to mend that a login was accepted and yet no script began, by the way it was to be run."""
    if not become:
        return "log in by hand as this user: an expired password or a login shell that runs nothing ends here"
    return (
        "let this user run /usr/bin/ksh as root without a password (visudo: "
        f"`USER ALL=(root) NOPASSWD: /usr/bin/ksh`), or check with: {become} -n /usr/bin/ksh -c true; where sudo is not"
        ' found, name it by its path: become = "/opt/freeware/bin/sudo"'
    )
