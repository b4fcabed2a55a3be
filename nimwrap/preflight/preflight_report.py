"""What the preflight hands to the steps after it: the verdict, and the facts that only it has seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from nimwrap.domain.attempt_plan import NIM
from nimwrap.domain.codes import FailureCode
from nimwrap.domain.findings import CheckStatus, CheckVerdict, Failure, Finding, refusal, verdict_of
from nimwrap.domain.records import ClientRef, Cluster, SourceAddress
from nimwrap.preflight.source_address import STRONG


@dataclass(frozen=True)
class Prior:
    """What history knows: sizes of this client's images in bytes, newest first; remedies that worked on this master.

    ``route``: the way to the client as it was found out (hosts.channel_route), empty when that has yet to be done;
    ``jobs_lost``: ways to start a job on this master's clients, and whether it was lost (domain.attempt_plan.JOB_WAYS).
    ``host`` and ``master_name`` are the client's if1 name and what the master calls itself, as a listing taken before
    says: with them the client is called at once, and again should the master say otherwise now.
    """

    last_sizes: tuple[int, ...] = ()
    remedies_proven: tuple[str, ...] = ()
    host: str | None = None
    master_name: str | None = None
    route: str = ""
    jobs_lost: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True)
class ExportAllowlist:
    """Whom a remedy may let in: this client's addresses, each held by its own interfaces, and their names.

    ``hosts`` is what goes into ``access=`` and ``root=``. A name is in it only when the master resolves it to one
    of these addresses. The actual address was named by the client's kernel (perl or traceroute), never by alias order.
    """

    addresses: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.addresses, *self.names)))


@dataclass(frozen=True)
class NimState:
    """The client's NIM object as it stood before anything was touched; ``allocated`` is (resource type, name)."""

    cstate: str | None = None
    allocated: tuple[tuple[str, str], ...] = ()
    attributes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class PreflightReport:
    """One client, looked at once. Facts that could not be had are None or empty; the findings say why.

    ``client_host`` is the host name of ``if1``: the name to call the client by. ``master_name`` is the name the
    client's mount will use. ``directory`` is where the image goes, ``mount_point`` the file system it lies in;
    ``exports`` are the lines of the exports in force of that directory, of those above and below it; ``standing`` the
    directories in /etc/exports, None when that could not be read.
    ``client_mounts``: where the client has mounted something from other machines.
    ``route`` is the way the client was reached by, empty when it was not; ``channel_calls`` how often it was called,
    ``exclude_file`` whether the client has /etc/exclude.rootvg, None when it did not tell;
    ``route_is_new`` whether that is not what was known before.
    ``remedies`` are those allowed and possible here, in the order in which to try them.
    """

    ref: ClientRef
    findings: tuple[Finding, ...]
    source_address: SourceAddress = field(default_factory=lambda: SourceAddress(None, None, None))
    cluster: Cluster | None = None
    client_host: str | None = None
    master_name: str | None = None
    node: str | None = None
    machine_id: str | None = None
    admission: ExportAllowlist | None = None
    remedies: tuple[str, ...] = ()
    nim_before: NimState = field(default_factory=NimState)
    directory: str | None = None
    mount_point: str | None = None
    exports: tuple[str, ...] = ()
    standing: tuple[str, ...] | None = None
    client_mounts: tuple[str, ...] | None = None
    available_bytes: int | None = None
    processes_before: tuple[str, ...] = ()
    route: str = ""
    channel_calls: int = 0
    route_is_new: bool = False
    exclude_file: bool | None = None

    @property
    def verdict(self) -> CheckVerdict:
        return verdict_of(self.findings)

    @property
    def failure(self) -> Failure | None:
        """Why it is refused, None when it is not."""
        return refusal(self.findings)

    @property
    def worst(self) -> tuple[Finding, ...]:
        """The findings that keep it from being ready, of the worst kind only."""
        status = CheckStatus.FAILED if self.verdict is CheckVerdict.REFUSED else CheckStatus.WARNING
        return tuple(finding for finding in self.findings if finding.status is status)

    @property
    def way(self) -> str | None:
        """How the image would be made: NIM's own way, or the first remedy; None where it would not be."""
        if self.verdict is CheckVerdict.REFUSED:
            return None
        return next(iter(self.remedies), NIM) if self.source_differs else NIM

    @property
    def source_differs(self) -> bool:
        """True when the client would come from another address than the one NIM's export lets in; not on a guess."""
        source = self.source_address
        return source.method in STRONG and bool(source.expected and source.actual and source.expected != source.actual)

    def refuses_with(self, code: FailureCode) -> bool:
        """True when any finding refuses with ``code``."""
        return any(finding.failure is code for finding in self.findings)
