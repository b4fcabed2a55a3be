"""Which hard limits (``[limits]``) the images of a client count against."""

from __future__ import annotations

from nimwrap.config.model import Config, LimitConfig
from nimwrap.domain.groups import means
from nimwrap.domain.ref import ClientRef


def limits_of(config: Config, ref: ClientRef) -> tuple[LimitConfig, ...]:
    """All limits that mean the client, in the order of the configuration."""
    if not config.limits:
        return ()
    goes_to = config.policy(ref.master, ref.client).directory
    return tuple(
        limit
        for limit in config.limits.values()
        if means(limit.targets, config.groups, ref)
        and (not limit.directory or f"{goes_to}/".startswith(f"{limit.directory.rstrip('/')}/"))
    )


def limit_names(config: Config, ref: ClientRef) -> tuple[str, ...]:
    """As a queue counts them."""
    return tuple(limit.name for limit in limits_of(config, ref))


def most_of_each(config: Config) -> dict[str, int]:
    """By name, how many images at once each limit allows."""
    return {limit.name: limit.max_parallel for limit in config.limits.values()}
