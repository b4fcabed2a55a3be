"""Look at clients as a backup would, and keep the inventories that were seen on the way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from nimwrap.domain.records import Inventory
from nimwrap.fleet.fleet_preflight import Asked, CheckedFleet, preflight_fleet
from nimwrap.fleet.session import record_inventories
from nimwrap.history.history_errors import StoreUnavailable
from nimwrap.history.sqlite.queries import Reader
from nimwrap.history.sqlite.store import Store

if TYPE_CHECKING:
    from datetime import datetime

    from nimwrap.config.model import Config


def check_clients(
    config: Config, targets: Sequence[str], now: datetime, warn: Callable[[str, str], None], tell: Asked
) -> CheckedFleet:
    """Check the clients that the targets mean; ``tell`` hears how many have been asked.

    A history that cannot be written to is no reason to keep the findings back: ``warn`` hears of it.
    """
    with Reader.open(config.database) as reader:
        checked = preflight_fleet(config, reader, targets, now, tell)
    if any(isinstance(one, Inventory) for one in checked.answers.values()):
        try:
            with Store.open(config.database) as store, Reader.open(config.database) as reader:
                record_inventories(store, reader, config, checked.answers, now)
                for report in checked.reports:
                    if report.route_is_new:
                        ref = report.ref
                        store.remember_route(ref.master, ref.client, report.route, report.channel_calls, now)
        except StoreUnavailable as error:
            warn(f"the inventory is not recorded: {error.message}", error.hint)
    return checked
