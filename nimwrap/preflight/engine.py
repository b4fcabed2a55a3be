"""The preflight: the master is asked once, and each client once, with the master's resolver; then the checks judge.

Nothing is changed anywhere. All clients of one master share one round trip where a listing taken before names them; a
further one is made for those that are called otherwise now, and for questions that the answers bring up.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from nimwrap.aix.addresses import ipv4
from nimwrap.config.model import Config, MasterConfig
from nimwrap.domain.errors import NimwrapError, master_unreachable
from nimwrap.domain.make_findings import trouble
from nimwrap.domain.names import is_host_name
from nimwrap.domain.records import ClientRef, SourceAddress
from nimwrap.hosts.client_channel import PARALLEL, ChannelAnswer, ClientRequest, ask_beside, ask_clients
from nimwrap.hosts.protocol import CommandResult, Host
from nimwrap.hosts.script_batch import Question, answers
from nimwrap.hosts.script_batch_parallel import asked_together
from nimwrap.preflight import client_facts, master_facts
from nimwrap.preflight.check_context import CheckContext, image_directory
from nimwrap.preflight.checks import run_checks
from nimwrap.preflight.checks.client_checks import backups_running
from nimwrap.preflight.client_facts import ClientFacts, read_client, unasked
from nimwrap.preflight.host_names import INTERFACES, LIMIT_S, PROCESSES, Names, names_after, names_script, read_names
from nimwrap.preflight.master_facts import MasterFacts, read_master
from nimwrap.preflight.preflight_report import PreflightReport, Prior
from nimwrap.preflight.report_builder import report_of
from nimwrap.preflight.seen_by_master import Caller, seen_by_master
from nimwrap.preflight.source_address import SEEN_BY_MASTER

CHANNEL_LIMIT_S = 60
"""For one client's whole answer; its slow questions have a limit of their own."""


@dataclass
class Deadline:
    """Seconds left of the time that a whole preflight may take; the clock is passed in."""

    seconds: float
    clock: Callable[[], float] = time.monotonic

    def __post_init__(self) -> None:
        self._ends = self.clock() + self.seconds

    def left(self, at_most: float) -> float:
        """Seconds that one step may still take, at least one."""
        return max(1.0, min(at_most, self._ends - self.clock()))


def default_deadline_s(clients: int) -> float:
    """Generous for every client that hangs, without letting a fleet of them hold up the night."""
    return 180.0 + CHANNEL_LIMIT_S * math.ceil(clients / PARALLEL)


def preflight(
    host: Host,
    master: MasterConfig,
    config: Config,
    clients: Sequence[str],
    prior: Mapping[str, Prior],
    now: datetime,
) -> list[PreflightReport]:
    """Look at ``clients`` of one master as they are this moment; one report each, in their order.

    Trouble with the master is a report of every client (``master_unreachable``, ``host_key_changed``,
    ``login_refused``), not an exception.
    """
    looked = _Look(host, master, config, Deadline(default_deadline_s(len(clients))))
    refs = [ClientRef(master.name, client) for client in dict.fromkeys(clients)]
    try:
        situations = looked.at(refs, prior, now)
    except NimwrapError as error:
        return [PreflightReport(ref, (trouble(error),)) for ref in refs]
    return [report_of(situation, run_checks(situation)) for situation in situations]


def recheck_source(host: Host, master: MasterConfig, report: PreflightReport) -> SourceAddress:
    """Ask the client once more which address it leaves from, in one round trip; a second only where it has changed.

    ``actual`` is None when the client does not say so now. Raises NimwrapError for trouble with the master.
    """
    expected, before = report.source_address.expected, report.source_address.actual
    if report.client_host is None:
        return SourceAddress(expected, None, None)
    holders = report.source_address.method == SEEN_BY_MASTER
    found = _source_now(host, master, report, interfaces=holders)
    told = found.source.value
    if holders:
        caller = {report.ref.client: Caller(report.client_host, report.route, found)}
        found = seen_by_master(host, caller).get(report.ref.client, found)
    elif told is not None and told.address not in (None, before):
        # The preflight has seen that the address is the client's own; of another one that has to be seen.
        holders, found = True, _source_now(host, master, report, interfaces=True)
    told = found.source.value
    if told is None or told.address is None or (holders and told.address not in found.own_addresses):
        return SourceAddress(expected, None, None)
    return SourceAddress(expected, told.address, told.method)


def _source_now(host: Host, master: MasterConfig, report: PreflightReport, *, interfaces: bool) -> ClientFacts:
    assert report.client_host is not None  # noqa: S101  looked at by the caller
    nonce = secrets.token_hex(4)
    name = report.master_name or _safe_name(master)
    script = client_facts.source_script(name, nonce, interfaces=interfaces)
    request = {report.ref.client: ClientRequest(report.client_host, script, route=report.route)}
    answer = ask_clients(host, master.client_channel, request, limit_s=CHANNEL_LIMIT_S)
    return read_client(answer[report.ref.client].output, nonce)


def _safe_name(master: MasterConfig) -> str:
    return master.host if is_host_name(master.host) else "localhost"


@dataclass
class _Look:
    """The round trips."""

    host: Host
    master: MasterConfig
    config: Config
    deadline: Deadline
    routes: Mapping[str, str] = field(default_factory=dict)

    def at(self, refs: Sequence[ClientRef], prior: Mapping[str, Prior], now: datetime) -> list[CheckContext]:
        """Master and clients are asked at once, the clients by what a listing taken before calls them.

        Those that the master calls otherwise now, or whose listing is not known, are asked after it.
        """
        began = self.deadline.clock()
        believed = {ref.client: prior[ref.client].host or "" for ref in refs if ref.client in prior}
        believed = {client: host for client, host in believed.items() if is_host_name(host)}
        named = next((one.master_name for one in prior.values() if one.master_name), _safe_name(self.master))
        nonce = secrets.token_hex(4)
        self.routes = {client: one.route for client, one in prior.items()}
        asked, names, result = self._ask(believed, named, self._master_script(refs, nonce))
        on_master = self._read_master(result, nonce)
        drafts = [
            CheckContext(
                ref,
                self.config.policy(ref.master, ref.client),
                self.master,
                prior.get(ref.client, Prior()),
                now,
                on_master,
                unasked("the client was not called"),
                cluster=self.config.client(ref.master, ref.client).cluster,
            )
            for ref in refs
        ]
        wanted = {one.ref.client: one.host for one in drafts if one.host and not one.is_master}
        own = on_master.hostname.value
        own = own if own and is_host_name(own) else _safe_name(self.master)
        late = {client: host for client, host in wanted.items() if own != named or believed.get(client) != host}
        if late:
            more, resolved, _ = self._ask(late, own)
            asked, names = asked | more, replace(names, found={**names.found, **resolved.found})
        spent = self.deadline.clock() - began
        called = [
            replace(draft, channel=asked[draft.ref.client][0], client=asked[draft.ref.client][1], spent_s=spent)
            if draft.ref.client in wanted
            else draft
            for draft in drafts
        ]
        called = self._watched(called)
        names = self._ask_names(called, names)
        return [replace(situation, names=names) for situation in called]

    def _watched(self, situations: list[CheckContext]) -> list[CheckContext]:
        """With what the master sees of those that could not prove their address themselves; nobody else is called."""
        callers = {
            one.ref.client: Caller(one.host, one.channel.route, one.client)
            for one in situations
            if one.host and one.channel is not None and one.channel.reached
        }
        seen = seen_by_master(self.host, callers)
        return [replace(one, client=seen.get(one.ref.client, one.client)) for one in situations]

    def _master_script(self, refs: Sequence[ClientRef], nonce: str) -> str:
        return asked_together(
            master_facts.quick_questions(self.master.client_channel != "ssh"),
            master_facts.slow_questions(self._homes(refs), [ref.client for ref in refs]),
            nonce,
            master_facts.LIMIT_S,
        )

    def _homes(self, refs: Sequence[ClientRef]) -> list[str]:
        homes = [image_directory(self.config.policy(ref.master, ref.client), ref.client) for ref in refs]
        return list(dict.fromkeys(home for home in homes if home))

    def _read_master(self, result: CommandResult | None, nonce: str) -> MasterFacts:
        assert result is not None  # noqa: S101  it was asked
        said = answers(result.stdout, nonce)
        if result.unknown and "objects" not in said:
            raise master_unreachable(
                f"{self.master.name} did not answer, or the connection was lost, within {result.duration_s:.0f} s"
                + (f": {result.stderr.strip()[-300:]}" if result.stderr.strip() else ""),
                "see on the master what hangs there (ps -ef | grep lsnim)",
            )
        return read_master(said)

    def _ask(
        self, hosts: Mapping[str, str], master_name: str, own: str = ""
    ) -> tuple[dict[str, tuple[ChannelAnswer, ClientFacts]], Names, CommandResult | None]:
        """One channel call for each client of ``hosts``, in one script on the master that answers ``own`` meanwhile.

        Beside them, the master's resolver is asked about each client that has answered.
        """
        nonce, naming = secrets.token_hex(4), secrets.token_hex(4)
        script = client_facts.client_script(master_name, nonce)
        found, result = ask_beside(
            self.host,
            self.master.client_channel,
            {client: ClientRequest(host, script, route=self.routes.get(client, "")) for client, host in hosts.items()},
            own,
            limit_s=int(self.deadline.left(CHANNEL_LIMIT_S)),
            after=names_after(naming, fleet=len(hosts) > PARALLEL),
        )
        unreached = unasked("the client was not reached")
        told = {
            name: (answer, read_client(answer.output, nonce) if answer.reached else unreached)
            for name, answer in found.items()
        }
        resolved = {key: said for answer in found.values() for key, said in answers(answer.output, naming).items()}
        return told, read_names(resolved), result

    def _ask_names(self, situations: Sequence[CheckContext], known: Names) -> Names:
        """What the master's resolver has not been asked yet, and what two checks need now and then.

        Those are a master that a client calls by another name, and a mksysb that runs somewhere.
        """
        hosts = [one.host for one in situations if one.host]
        sources = (situation.source.actual for situation in situations)
        addresses = [one for one in sources if one and ipv4(one)]
        also = [INTERFACES] if any(situation.master_named_otherwise for situation in situations) else []
        also += [PROCESSES] if any(backups_running(situation.client) for situation in situations) else []
        known = self._ask_resolver([*hosts, *addresses], known, also)
        return self._ask_resolver([name for one in addresses if (name := known.name_of(one))], known)

    def _ask_resolver(self, wanted: Sequence[str], known: Names, also: Sequence[Question] = ()) -> Names:
        """``known`` with the answers to those of ``wanted`` that it does not have, and to ``also``."""
        asked = [one for one in dict.fromkeys(wanted) if one not in known.found]
        if not (asked or also):
            return known
        nonce = secrets.token_hex(4)
        rounds = math.ceil(len(asked) / PARALLEL)
        result = self.host.run(names_script(asked, nonce, also), timeout=self.deadline.left(rounds * LIMIT_S + 30))
        more = read_names(answers(result.stdout, nonce))
        found = {**known.found, **more.found}
        return replace(more, found=found) if also else replace(known, found=found)
