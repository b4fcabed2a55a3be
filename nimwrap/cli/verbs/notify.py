"""``nimwrap notify``: whether those who should be told can be told."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from nimwrap.cli.invocation import Invocation, Result, current
from nimwrap.cli.output.printer import Printer
from nimwrap.domain.codes import ExitCode
from nimwrap.domain.errors import NimwrapError, Problem

if TYPE_CHECKING:
    from nimwrap.monitoring.alerts.alert_channels import Delivery
    from nimwrap.monitoring.alerts.ping import Signal


def register(app: typer.Typer) -> None:
    notify = typer.Typer(no_args_is_help=True, help="Messages to those who should know.")
    notify.command("test")(test)
    notify.command("unit-failed")(unit_failed)
    app.add_typer(notify, name="notify")


def test(ctx: typer.Context) -> None:
    """Send one test message to each place under [notify] urls, and a success to its ping URL.

    Example: nimwrap notify test
    """
    from nimwrap.monitoring.alerts.ping import Signal

    body = "This is a test message of nimwrap: the place that it reached is configured well. Nothing has happened."
    _send(current(ctx), "test message", body, Signal.SUCCESS)


def unit_failed(
    ctx: typer.Context, unit: Annotated[str, typer.Argument(metavar="UNIT", help="A systemd unit of nimwrap.")]
) -> None:
    """Tell every place that a unit of nimwrap itself has failed, and ping a failure; for OnFailure= of systemd.

    Example: nimwrap notify unit-failed nimwrap.service
    """
    from nimwrap.monitoring.alerts.ping import Signal

    body = f"The unit {unit} has failed: nimwrap does not run as it should. See: journalctl -u {unit} -n 50"
    _send(current(ctx), f"the unit {unit} has failed", body, Signal.FAIL)


def _send(invocation: Invocation, about: str, body: str, signal: Signal) -> None:
    from nimwrap.monitoring.alerts.alert_channels import Delivery, deliver
    from nimwrap.monitoring.alerts.digest import composed
    from nimwrap.monitoring.alerts.ping import Signal, ping
    from nimwrap.monitoring.alerts.recipients import recipients, site_name

    configured = invocation.config.notify
    told = list(recipients(invocation.config))
    if not told and not configured.ping:
        raise NimwrapError(
            f"{invocation.config.path} names no place under [notify]",
            code="config_invalid",
            hint='urls = ["file:/etc/nimwrap/mail-url"] with an Apprise URL in that file, or ping = "file:..."',
            exit_code=ExitCode.CONFIG,
        )
    message = composed(f"nimwrap: {about} ({site_name(invocation.config)})", [body])
    message = replace(message, urgent=signal is Signal.FAIL)
    done = [delivery for to in told for delivery in deliver(to.urls, message, to.place)]
    if configured.ping:
        done.append(Delivery("notify.ping", ping(configured.ping, signal, text=message.body)))
    errors = [Problem("notify", f"{one.place}: {one.trouble}") for one in done if one.trouble]
    data = {"places": [{"place": one.place, "delivered": not one.trouble, "message": one.trouble} for one in done]}
    code = ExitCode.FAILED if errors else ExitCode.OK
    invocation.finish(Result(invocation.command, data, code, errors, text=lambda out: _text(out, done)))


def _text(out: Printer, done: list[Delivery]) -> None:
    for one in done:
        out.line(f"{one.place}: {out.word('failed') if one.trouble else out.word('ok')}")
