"""Rules over more than one key: policies as they hold together, and the members of groups."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from nimwrap.config.keys import HOOK_PLACEHOLDERS, LABEL, NIM_NAME
from nimwrap.config.lines import KeyPath
from nimwrap.config.model import (
    HOOK_OF_FLEET,
    BackupPolicy,
    BlackoutConfig,
    Config,
    CopyConfig,
    HookConfig,
    RetryPolicy,
    SandboxConfig,
)
from nimwrap.config.toml_file import Fault
from nimwrap.config.value_types import Words, named, nearest, shown
from nimwrap.domain.black_hours import WHOLE_DAY
from nimwrap.domain.lock_timing import contradictions, most_at_once

_GLOB = re.compile(r"[A-Za-z0-9_!*?\[\]-]{1,80}")


def combination_faults(config: Config, document: Mapping[str, Any]) -> list[Fault]:
    """What is wrong with the defaults, a master or a client once all its layers are laid over one another.

    Each fault is told once, at the innermost layer that sets one of the keys involved.
    """
    faults: dict[tuple[KeyPath, str], Fault] = {}
    for master, client, layers in _places(config):
        for keys, message, hint in _conflicts(config.policy(master, client), config.retry_policy(master, client)):
            path = _innermost(layers, keys, document)
            faults.setdefault((path, message), Fault(path, message, hint))
    return [*faults.values(), *_timing_faults(config, document)]


def _timing_faults(config: Config, document: Mapping[str, Any]) -> Iterator[Fault]:
    """Where more images at once are asked for than locks can be kept fresh for."""
    for name, master in config.masters.items():
        key = "max_parallel_limit" if master.learns_parallel else "max_parallel"
        for rule in contradictions(at_once=master.most_parallel if master.remote else 1):
            set_here = key in document.get("masters", {}).get(name, {})
            path: KeyPath = ("masters", name, *([key] if set_here else []))
            yield Fault(path, f"it does not hold that {rule}", f"{key}: at most {most_at_once()} over a network")


def _conflicts(policy: BackupPolicy, retry: RetryPolicy) -> Iterator[tuple[tuple[str, ...], str, str]]:
    if policy.layout == "flat" and policy.remedies == ("pre-export",):
        message = "with layout flat all images share one directory, which pre-export would open to one client"
        yield ("layout", "remedies"), message, 'add "own-mount" to remedies, or write layout = "per-client"'
    if "savevg" in policy.kinds and not policy.volume_groups:
        yield ("kinds", "volume_groups"), "kinds has savevg, but no volume_groups", 'volume_groups = ["datavg"]'
    if retry.max_wait < retry.wait:
        yield ("max_wait", "wait"), "max_wait is shorter than wait", "make max_wait the longer of the two"


def _places(config: Config) -> Iterator[tuple[str, str, tuple[KeyPath, ...]]]:
    """Master, client and the tables that make its policy, innermost first."""
    ground: tuple[KeyPath, ...] = (("backup",), ("retry",))
    yield "", "", ground
    for master in ("", *config.masters):
        layers = (("masters", master), *ground) if master else ground
        yield master, "", layers
        for name in config.clients:
            owner, _, client = name.rpartition("/")
            if owner in ("", master):
                yield master, client, (("clients", name), *layers)


def _innermost(layers: Sequence[KeyPath], keys: Sequence[str], document: Mapping[str, Any]) -> KeyPath:
    for layer in layers:
        body: Any = document
        for step in layer:
            body = body.get(step, {})
        for key in keys:
            if key in body:
                return (*layer, key)
    return layers[0]


_NEEDED = {"path": ("directory",), "nim": ("to", "directory"), "command": ("store", "check", "remove")}


def copy_faults(copy: CopyConfig, masters: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    """What a copy of its kind lacks: key, message and hint. Keys of another kind do no harm."""
    for key in _NEEDED.get(copy.kind, ()):
        if not getattr(copy, key):
            yield key, f"copy {shown(copy.name)} of kind {copy.kind} has no {key}", f"add {key} = ..."
    if copy.to and copy.to not in masters:
        yield "to", f"copy {shown(copy.name)} names the unknown master {shown(copy.to)}", nearest(copy.to, masters)


def sandbox_faults(sandbox: SandboxConfig) -> Iterator[tuple[str, str, str]]:
    """What a sandbox lacks to be one: key, message and hint."""
    name = shown(sandbox.name)
    if not sandbox.client:
        yield "client", f"sandbox {name} has no client", 'add client = "drill01", say'
    if not (sandbox.disk or sandbox.spot):
        yield "disk", f"sandbox {name} has neither disk nor spot", 'add disk = "hdisk1", say'
    if sandbox.hmc and not sandbox.hmc_system:
        yield "hmc_system", f"sandbox {name} has an hmc, but no hmc_system", 'add hmc_system = "..."'


def limit_faults(name: str, body: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What a limit lacks to be one: key, message and hint."""
    if "max_parallel" not in body:
        yield "max_parallel", f"limit {shown(name)} has no max_parallel", "add max_parallel = 2, say"


def blackout_faults(blackout: BlackoutConfig) -> Iterator[tuple[str, str, str]]:
    """What keeps a blackout from ever ending: key, message and hint."""
    if not blackout.days and (blackout.begins == blackout.ends or (blackout.begins, blackout.ends) == WHOLE_DAY):
        message = f"blackout {shown(blackout.name)} never ends: it has neither days nor hours"
        yield "days", message, 'add days = ["28-31"], say, or begins and ends'


def hook_faults(hook: HookConfig, body: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """What a hook lacks, or cannot be where it stands: key, message and hint."""
    for key, example in (("when", 'when = "after"'), ("run", 'run = ["/usr/local/bin/hook", "{client}"]')):
        if not body.get(key):
            yield key, f"a hook has no {key}", f"add {example}"
    if hook.when in HOOK_OF_FLEET and hook.on == "client":
        yield "on", f"a hook of {hook.when} has no client to run on", 'on = "master" or on = "control"'
    known = HOOK_PLACEHOLDERS.get(hook.when, ())
    for hole in dict.fromkeys(hole for word in hook.run for hole in Words.hole.findall(word)):
        if known and hole not in known:
            names = ", ".join(f"{{{each}}}" for each in known)
            yield "run", f"{{{hole}}} is not known at {hook.when}", f"known then: {names}"


def member_faults(groups: Mapping[str, Any], masters: Sequence[str]) -> Iterator[Fault]:
    """Faults of ``[groups]``: names, and members that are no client, ``master/client``, glob or ``group:NAME``."""
    for name, members in groups.items():
        if not LABEL.accepts(name):
            yield Fault((name,), f"{shown(name)} cannot name a group: it must be {LABEL.what}")
        if not isinstance(members, list):
            yield Fault((name,), f"group {shown(name)} must be an array of names, not {named(members)}")
            continue
        for index, member in enumerate(members):
            fault = member_fault(member, groups, masters)
            if fault:
                yield Fault((name, index), *fault)
    yield from _circles(groups)


def member_fault(member: object, groups: Mapping[str, Any], masters: Sequence[str]) -> tuple[str, str] | None:
    """What is wrong with a client, ``master/client``, glob or ``group:NAME``, and a hint; None when nothing is."""
    if not isinstance(member, str):
        return f"a member must be a name in quotes, not {named(member)}", ""
    if member.startswith("group:"):
        group = member.removeprefix("group:")
        return None if group in groups else (f"{shown(member)} is no group", nearest(group, tuple(groups)))
    master, slash, client = member.rpartition("/")
    if not (NIM_NAME.accepts(client) or _GLOB.fullmatch(client)):
        return f"{shown(member)} is neither a client, master/client, a glob nor group:NAME", ""
    if slash and master not in masters and not _GLOB.fullmatch(master):
        return f"{shown(member)} cannot be: no master has such a name", ""
    if slash and master not in masters and not set(master) & set("*?["):
        return f"{shown(member)} names the unknown master {shown(master)}", nearest(master, tuple(masters))
    return None


def _circles(groups: Mapping[str, Any]) -> Iterator[Fault]:
    """Groups that contain themselves."""
    inner = {
        name: [str(member).removeprefix("group:") for member in members if str(member).startswith("group:")]
        for name, members in groups.items()
        if isinstance(members, list)
    }
    for name, members in inner.items():
        seen, waiting = set(), list(members)
        while waiting:
            group = waiting.pop()
            if group not in seen:
                seen.add(group)
                waiting.extend(inner.get(group, ()))
        if name in seen:
            yield Fault((name,), f"group {shown(name)} contains itself")
