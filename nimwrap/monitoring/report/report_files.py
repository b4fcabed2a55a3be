"""After a fleet run: the report and the metrics file of ``[report]``. Trouble with them never hurts a backup."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from nimwrap.config.model import Config
from nimwrap.domain.errors import NimwrapError
from nimwrap.history.ports import Queries

_log = logging.getLogger(__name__)


def after_fleet(config: Config, reader: Queries, now: datetime) -> None:
    """Write what is configured; whatever goes wrong is logged as a warning, and that is all."""
    for write in (write_html, write_textfile):
        try:
            write(config, reader, now)
        except NimwrapError as error:
            _log.warning("%s", f"{error.message}; {error.hint}" if error.hint else error.message)
        except Exception as error:  # the backup is done and recorded: no fault in a picture of it may change its end
            _log.warning("a bug in nimwrap kept the report from being written: %s: %s", type(error).__name__, error)


def write_html(config: Config, reader: Queries, now: datetime) -> None:
    """The HTML report at ``[report] html``, when that is set."""

    def text() -> str:
        from nimwrap.monitoring.report.page import page

        return page(config, reader, now)

    _write(config.report.html, text)


def write_textfile(config: Config, reader: Queries, now: datetime) -> None:
    """The Prometheus text at ``[report] textfile``, when that is set."""

    def text() -> str:
        from nimwrap.monitoring.prometheus import metrics_text

        return metrics_text(config, reader, now)

    _write(config.report.textfile, text)


def _write(place: str, text: Callable[[], str]) -> None:
    if place:
        from nimwrap.monitoring.atomic_write import write_whole

        write_whole(Path(place), text())
