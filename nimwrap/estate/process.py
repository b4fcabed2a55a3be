"""Starting processes on a simulated host: its environment, its shell, and pipes that are pumped as they fill."""

from __future__ import annotations

import os
import select

from nimwrap.estate.machine import Machine
from nimwrap.estate.stdlib import NamedTuple, signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

BIN_DIRS = ("/usr/bin", "/etc", "/usr/sbin", "/sbin", "/usr/lpp/bos.sysmgt/nim/methods")
FILE_LIMIT = "ESTATE_FSIZE"
UMASK = "ESTATEUMASK"
_KSH = ("/usr/bin/ksh", "/usr/bin/ksh93", "/bin/ksh", "/usr/local/bin/ksh")


def shell_path() -> str:
    """The build machine's ksh, else its sh."""
    for path in _KSH:
        if os.access(path, os.X_OK):
            return path
    return "/bin/sh"


def login_shell(me: Machine) -> str:
    """What runs root's commands on this host: ksh, or the build machine's shell that ``root_shell`` names."""
    return str(me.fault("root_shell") or shell_path())


def environment(me: Machine) -> dict[str, str]:
    """What a login on this host starts with: nothing of the caller's but the time zone."""
    env = {
        "PATH": ":".join(me.path(directory) for directory in BIN_DIRS[:4]),
        "HOME": me.root or "/",
        "LOGNAME": "root",
        "USER": "root",
        "SHELL": me.path("/usr/bin/ksh"),
        "LANG": "fr_FR" if me.fault("french_locale") else "C",
        "ODMDIR": me.path("/etc/objrepos"),
    }
    limit = me.fault("fsize_limited")
    if limit:
        env[FILE_LIMIT] = str(2097151 * 512 if limit is True else int(limit))
    umask = me.fault("root_umask")
    if umask:
        env[UMASK] = str(umask)
    if "TZ" in os.environ:
        env["TZ"] = os.environ["TZ"]
    return env


class Child(NamedTuple):
    """A started process and our ends of its output pipes (the same one twice when they are merged)."""

    pid: int
    stdout: int
    stderr: int

    def wait(self) -> int:
        """Its exit status as a shell shows it."""
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def start(
    argv: Sequence[str],
    env: Mapping[str, str],
    *,
    cwd: str,
    merged: bool = False,
    detached: bool = False,
    stdin: int | None = None,
) -> Child:
    """Run ``argv`` with pipes for its output and ``stdin`` (else the caller's) as its input.

    ``detached``: in a session of its own, with nothing to read.
    """
    read_out, write_out = os.pipe()
    read_err, write_err = (read_out, write_out) if merged else os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if detached:
                os.setsid()
                stdin = os.open("/dev/null", os.O_RDONLY)
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python has it ignored, and no login has
            if stdin is not None:
                os.dup2(stdin, 0)
            os.dup2(write_out, 1)
            os.dup2(write_err, 2)
            os.chdir(cwd)
            if FILE_LIMIT in env:
                _limit_file_size(int(env[FILE_LIMIT]))
            if UMASK in env:
                os.umask(int(env[UMASK], 8))
            os.execve(argv[0], list(argv), dict(env))  # noqa: S606 (no shell is wanted)
        except OSError:
            os._exit(127)
    os.close(write_out)
    if not merged:
        os.close(write_err)
    if stdin is not None:
        os.close(stdin)
    return Child(pid, read_out, read_err)


def pump(sinks: Mapping[int, Callable[[bytes], None]], idle: Callable[[], None] | None = None) -> None:
    """Read the pipes to their ends and close them; each portion goes to its sink, ``idle`` runs when nothing came."""
    open_pipes = set(sinks)
    while open_pipes:
        ready, _, _ = select.select(list(open_pipes), [], [], 0.05 if idle else None)
        if not ready and idle:
            idle()
        for pipe in ready:
            data = os.read(pipe, 65536)
            if data:
                sinks[pipe](data)
            else:
                open_pipes.discard(pipe)
                os.close(pipe)  # the server of commands lives on, and select knows 1024 descriptors


def write_all(stream: int, data: bytes) -> None:
    """Write every byte."""
    while data:
        data = data[os.write(stream, data) :]


def start_shell(me: Machine, script: str, *, with_input: bool, mark: str = "") -> tuple[Child, int]:
    """``script`` (with AIX's paths) in root's login shell on the host, and our end of its input.

    Without input it is started as nimsh does: merged output, nothing to read, a session of its own (and -1).
    ``mark`` is passed on in the environment, to all that the script starts.
    """
    argv = [login_shell(me), "-c", me.paths.inward(script)]
    where = me.root or "/"
    if not with_input:
        env = environment(me)
        if mark:
            env["ESTATE_REQUEST"] = mark
        return start(argv, env, cwd=where, merged=True, detached=True), -1
    read_in, write_in = os.pipe()
    return start(argv, environment(me), cwd=where, stdin=read_in), write_in


def _limit_file_size(size: int) -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
