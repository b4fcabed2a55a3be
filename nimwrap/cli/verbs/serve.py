"""``nimwrap serve``: the scheduler daemon, in the foreground."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nimwrap.cli.invocation import current
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.durations import parse_duration
from nimwrap.domain.errors import NimwrapError, usage_error

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.scheduling.daemon import Daemon
    from nimwrap.scheduling.model import Schedule


def register(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    ctx: typer.Context,
    drain: Annotated[str, typer.Option(metavar="DURATION", help="How long an end waits for running images.")] = "30s",
) -> None:
    """Run schedules until told to end: in a terminal, under systemd (Type=notify) or AIX's SRC.

    SIGHUP reads the configuration again; SIGTERM ends, and what still runs on the masters is adopted by the next start.

    Example: nimwrap serve
    """
    from nimwrap.actions.serve_schedules import scheduler_daemon
    from nimwrap.cli.output.progress_lines import PlainLines
    from nimwrap.cli.verbs.schedule_due import say
    from nimwrap.service.systemd import Notifier

    invocation = current(ctx)
    try:
        drain_s = parse_duration(drain)
    except ValueError as error:
        raise usage_error(f"--drain: {error}") from error
    invocation.need_masters()
    path = invocation.config.path
    assert path is not None  # noqa: S101  there is no configuration without a file here
    daemon = scheduler_daemon(
        lambda: _load(path),
        Notifier.from_environment(os.environ),
        drain_s,
        PlainLines(invocation),
        lambda look: say(invocation, look),
    )
    with _alone(invocation.config):
        _obey_signals(daemon)
        daemon.start()
        left = daemon.run()
    code = ExitCode.TERMINATED if daemon.stop_asked == signal.SIGTERM else ExitCode.INTERRUPTED
    logging.shutdown()
    os._exit(code if left else ExitCode.OK)  # threads that still follow an operation are not waited for


def _load(path: Path) -> tuple[Config, dict[str, Schedule]]:
    """Configuration and schedules as the files are now; NimwrapError with every fault."""
    from nimwrap.config.load import load
    from nimwrap.scheduling.schedule_files import load_schedules

    config = load(path)
    return config, load_schedules(config)


def _obey_signals(daemon: Daemon) -> None:
    """SIGHUP: read again; SIGTERM and SIGINT: end. The handlers only leave word for the loop."""

    def end(number: int, _frame: object) -> None:
        daemon.stop_asked = number
        daemon.wake()

    def read_again(_number: int, _frame: object) -> None:
        daemon.reload_asked = True
        daemon.wake()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGHUP, read_again)


@contextmanager
def _alone(config: Config) -> Iterator[None]:
    """Hold the daemon's own lock: two daemons on one history would do the same work and split its slots."""
    from nimwrap.history.run_lease import RunLease

    try:
        lock = RunLease(config.state_dir, "serve")
    except NimwrapError as error:
        if error.code != "locked":
            raise
        message = f"another `nimwrap serve` works with {config.state_dir}"
        raise NimwrapError(message, "locked", "end that one first", ExitCode.LOCKED) from error
    with lock:
        yield
