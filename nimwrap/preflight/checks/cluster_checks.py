"""The PowerHA cluster that the client belongs to: recorded with the run, and stable while the image is made."""

from __future__ import annotations

from nimwrap.aix.clrginfo import GroupState
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import Finding
from nimwrap.domain.make_findings import ok, refuse, warn
from nimwrap.domain.records import Cluster, ResourceGroup
from nimwrap.preflight.check_context import CheckContext
from nimwrap.preflight.client_facts import ClientFacts

_AT_REST = frozenset({"ST_STABLE", "ST_INIT", "NOT_CONFIGURED", "STABLE", "OFFLINE"})
_MOVING = frozenset({"ACQUIRING", "RELEASING", "ERROR", "TEMP ERROR", "TEMP_ERROR"})
_KNOWN = frozenset({"ONLINE", "OFFLINE", "UNMANAGED"})


def cluster_of(facts: ClientFacts) -> Cluster | None:
    """What is known of the cluster; None on a host without PowerHA. The manager's own state comes before clmgr's."""
    if not facts.powerha.value:
        return None
    attributes = facts.cluster.value or {}
    state = facts.manager.value.state if facts.manager.value else attributes.get("STATE")
    labels, groups = facts.labels.value or [], facts.groups.value or []
    nodes = sorted({node for node in (*(one.node for one in labels), *(one.node for one in groups)) if node})
    return Cluster(
        name=attributes.get("CLUSTER_NAME") or attributes.get("NAME") or "+".join(nodes) or None,
        state=state,
        resource_groups=_where(groups),
        service_addresses=tuple(dict.fromkeys(label.address for label in labels if label.type == "service")),
        nodes=tuple(nodes),
    )


def _where(states: list[GroupState]) -> tuple[ResourceGroup, ...]:
    """Each group once, where it is anything but OFFLINE; a group that is offline everywhere is on no node."""
    found: dict[str, ResourceGroup] = {}
    for one in states:
        if one.state != "OFFLINE" and (one.group not in found or found[one.group].node is None):
            found[one.group] = ResourceGroup(one.group, one.state, one.node)
        found.setdefault(one.group, ResourceGroup(one.group, one.state, None))
    return tuple(found.values())


def cluster(s: CheckContext) -> Finding:
    """No backup while the cluster reacts to an event: addresses and file systems are on their way then."""
    if not s.client.powerha.need():
        return ok("no PowerHA on this client")
    known = cluster_of(s.client)
    evidence = _evidence(s.client)
    if known is None or known.state is None:
        return warn(
            "PowerHA is installed, but the cluster's state could not be read",
            "on the client: lssrc -ls clstrmgrES",
            evidence,
        )
    name = f"cluster {known.name}" if known.name else "the cluster"
    wait = "wait until lssrc -ls clstrmgrES says ST_STABLE; see /var/hacmp/log/hacmp.out for what it does"
    if known.state not in _AT_REST:
        return refuse(FailureCode.CLUSTER_UNSTABLE, f"{name} is in state {known.state}", wait, evidence)
    states = s.client.groups.value or []
    moving = [one for one in states if one.state.removesuffix(" SECONDARY") in _MOVING]
    if moving:
        said = ", ".join(f"{one.group} {one.state} on {one.node}" for one in moving)
        return refuse(FailureCode.CLUSTER_UNSTABLE, f"{name}: {said}", wait, evidence)
    strange = [one for one in states if one.state not in _KNOWN and not one.state.startswith(("OFFLINE", "ONLINE"))]
    if strange:
        return warn(f"{name}: {strange[0].group} is in the unknown state {strange[0].state}", wait, evidence)
    return _kept_apart(s, known, name, evidence)


def _kept_apart(s: CheckContext, known: Cluster, name: str, evidence: str) -> Finding:
    """All is well, unless the other nodes cannot be kept from being backed up at the same time."""
    if not (known.marks or s.cluster or known.state == "NOT_CONFIGURED"):
        return warn(
            f"{name} is {known.state}, but nothing tells which nodes it has: another one may be backed up meanwhile",
            f'in the configuration, with the same NAME for all its nodes: [clients.{s.ref.client}] cluster = "NAME"',
            evidence,
        )
    where = ", ".join(f"{one.name} {one.state}{f' on {one.node}' if one.node else ''}" for one in known.resource_groups)
    return ok(f"{name} is {known.state}{f'; {where}' if where else ''}", evidence)


def _evidence(facts: ClientFacts) -> str:
    first = "\n".join(facts.manager.raw.splitlines()[:8])
    return "\n".join(part.strip() for part in (first, facts.groups.raw, facts.labels.raw, facts.cluster.raw) if part)
