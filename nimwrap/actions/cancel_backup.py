"""End a running backup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nimwrap.backup.cancellation import cancel_run
from nimwrap.domain.errors import usage_error
from nimwrap.fleet.session import open_session

if TYPE_CHECKING:
    from nimwrap.config.model import Config
    from nimwrap.history.model import RunRow


def cancel_backup(config: Config, run: str) -> RunRow:
    """End the operation of a run, client side first, and close it; the run as it is then."""
    with open_session(config) as session:
        row = session.reader.run(run)
        if row.outcome != "running":
            raise usage_error(f"{row.id} is not running: it ended {row.outcome}", f"nimwrap show {row.id}")
        if row.master not in session.hosts:
            raise usage_error(f"the master {row.master} of {row.id} is not in the configuration")
        cancel_run(session.master_context(row.master), session.reader, row.id)
        return session.reader.run(row.id)
