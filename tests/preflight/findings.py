"""One client's preflight, as `check --json` tells it."""

from __future__ import annotations

from typing import Any

from tests.running import Ran

SERVICE, BOOT = "10.10.10.102", "10.10.10.101"


def only(ran: Ran) -> dict[str, Any]:
    (client,) = ran.data["clients"]
    return dict(client)


def finding(client: dict[str, Any], check: str) -> dict[str, Any]:
    return next(dict(one) for one in client["findings"] if one["check"] == check)
