"""A fleet run: each client asked for ends as a row with an outcome, and one sick client stops nobody."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial
from queue import Empty, SimpleQueue

from nimwrap.backup.backup_request import BackupRequest, RetryLater, new_run_id
from nimwrap.backup.backup_run import BackupRun
from nimwrap.backup.cancel_request import CANCELLED, cancel_requested
from nimwrap.backup.recovery import recover
from nimwrap.backup.slot_images import wanted_images
from nimwrap.clients.blackouts import blackout_of
from nimwrap.clients.inventory import prior_of
from nimwrap.config.image_limits import limit_names, most_of_each
from nimwrap.config.model import BackupPolicy
from nimwrap.domain.clock import Interrupted
from nimwrap.domain.codes import SET_ASIDE, FailureCode, Outcome
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import Failure
from nimwrap.domain.local_time import local_text
from nimwrap.domain.names import PLAIN_KIND
from nimwrap.domain.ordering import predicted_seconds
from nimwrap.domain.progress import Progress
from nimwrap.domain.records import ClientRef, Run
from nimwrap.fleet.admission import admit, chain_of, detected_clusters, goes_first, held_failure
from nimwrap.fleet.fleet_observer import FleetObserver
from nimwrap.fleet.night_forecast import learned_rate
from nimwrap.fleet.queue import Queue, QueuedJob
from nimwrap.fleet.session import JobsAtOnce, Session
from nimwrap.fleet.simulation import expected_end
from nimwrap.images.kinds.registry import images_of

_GOOD = (Outcome.OK, Outcome.WARNING)
LETTING_GO_S = 2.0
"""So long we wait, when told to leave, for those who have started nothing to end as such."""
LOOK_AGAIN_S = 1.0
"""How long a fleet that waits for a time sleeps at once: meanwhile a run may be cancelled, or a client held."""
_NO_FURTHER_ROUND = frozenset({FailureCode.CANCELLED, FailureCode.OUTSIDE_WINDOW})
"""Ends of the command, not of what the client needs: whoever has failed before them has failed."""
_LATELY = 20
"""So many of a client's newest runs may have begun since a command was given: several kinds, several tries."""


@dataclass(frozen=True)
class Order:
    """What a fleet run is asked for. ``named``: the clients the user wrote out, without glob, group or ``--all``.

    ``not_before``: per client, the start that a schedule's jitter gives it; ``window_ends``: nothing starts later.
    ``issued``: when the command was given; a client whose image was made since then needs no other one.
    ``at_terminal``: somebody waits there; ``retry``: a refusal that can pass is tried again all the same.
    """

    refs: tuple[ClientRef, ...]
    named: frozenset[ClientRef] = frozenset()
    schedule: str | None = None
    slot: datetime | None = None
    window_ends: datetime | None = None
    not_before: Mapping[ClientRef, datetime] = field(default_factory=dict)
    issued: datetime | None = None
    at_terminal: bool = False
    retry: bool = False

    @property
    def attended(self) -> bool:
        """True when a person waits for one named client: a refusal is told at once instead of retried."""
        return self.at_terminal and self.one_by_name and not self.retry

    @property
    def one_by_name(self) -> bool:
        """True when the command is about one client, which was written out."""
        return self.schedule is None and len(self.refs) == len(self.named) == 1


@dataclass(frozen=True)
class Task:
    """One run to be: a client and a kind of image. ``size``: bytes of the last image, 0 without one."""

    request: BackupRequest
    run: BackupRun
    size: int = 0


class Fleet:
    """One fleet run. :meth:`work` returns the record of every client asked for: those kept out first."""

    def __init__(self, session: Session, order: Order) -> None:
        self.session, self.order = session, order
        self.issued = order.issued or session.clock.now()
        self.queue: Queue[Task] = Queue(JobsAtOnce(session), limits=most_of_each(session.config))
        self.runs: dict[str, Run] = {}
        self._told_locked: set[str] = set()
        self._ended: SimpleQueue[tuple[QueuedJob[Task], Run | RetryLater | None]] = SimpleQueue()

    def work(self) -> list[Run]:
        """Everything, to its end, or until the clock's ``stop`` is set; then running ones are returned as such."""
        for master in dict.fromkeys(ref.master for ref in self.order.refs):
            self._recover(master)
        taken = admit(self.session, self.order.refs, self.issued)
        for ref, failure in taken.kept_out.items():
            self._not_run(ref, failure)
        for ref, failure in taken.too_large.items():
            self._not_run(ref, failure, Outcome.REFUSED)
        for master, most in taken.at_once.items():
            self.session.learned[master].allow(most)
        for ref in taken.admitted:
            self._queue(ref)
        while self._goes_on():
            self._end_cancelled()
            if not self.session.clock.draining.is_set():
                self._start_what_may()
            self._await_one()
        self._account_for_the_rest()
        for learned in self.session.learned.values():
            learned.keep()
        return list(self.runs.values())

    def _account_for_the_rest(self) -> None:
        """When we were told to leave: what runs is returned as running, what waits ends as never started.

        A client of a slot that never began has no run, or one that was killed: its slot is free for the next nimwrap.
        """
        until = self.session.clock.monotonic() + LETTING_GO_S
        while self.queue.running and self.session.clock.monotonic() < until:
            self._await_one()
        for job in self.queue.running:
            self.runs[job.what.run.run.id] = job.what.run.run
        for job in self.queue.waiting if self.session.clock.leaving else ():
            if self.order.slot is None:
                why = "nimwrap was interrupted before its turn"
                self._end_waiting(job.what, Failure(FailureCode.CANCELLED, why, "start the backup again"))
            elif job.what.run.begun:
                run = job.what.run.give_way()
                self.runs[run.id] = run

    def _end_cancelled(self) -> None:
        """Runs between two rounds that somebody wants cancelled: they end now, not when their turn comes."""
        for job in list(self.queue.waiting):
            if job.what.run.begun and cancel_requested(self.session.reader, job.what.run.run.id):
                self.queue.withdraw(job)
                failure = Failure(FailureCode.CANCELLED, CANCELLED, "start the backup again when it suits")
                run = job.what.run.give_up(Outcome.FAILED, failure)
                self.runs[run.id] = run

    def _goes_on(self) -> bool:
        if self.session.clock.stop.is_set():
            return False
        return bool(self.queue.running) if self.session.clock.draining.is_set() else not self.queue.empty

    def _recover(self, master: str) -> None:
        try:
            recover(self.session.master_context(master), self.session.reader, wait=False)
        except NimwrapError as error:
            self.session.tell(
                Progress("", "recover", note=f"what is open on {master} stays so for now: {error.message}")
            )

    def _images(self, ref: ClientRef, policy: BackupPolicy) -> list[tuple[str, str]]:
        """What is to be made of a client: of a slot that an earlier process has left, only what that has not ended."""
        if self.order.slot is None:
            return images_of(policy, ref.client)
        slot = rfc3339(self.order.slot)
        return wanted_images(self.session.config, self.session.reader, ref, self.order.schedule, slot)

    def _queue(self, ref: ClientRef) -> None:
        """A job for each image of this client."""
        reader, policy = self.session.reader, self.session.config.policy(ref.master, ref.client)
        start = self.order.not_before.get(ref)
        wait = max(0.0, (start - self.session.clock.now()).total_seconds()) if start else 0.0
        for kind, group in self._images(ref, policy):
            durations = reader.durations(ref.master, ref.client, kind)
            prior = prior_of(reader, ref, self.session.listed.get(ref.master), self.session.clock.now(), kind)
            request = BackupRequest(
                ref,
                kind,
                group,
                self.order.schedule,
                self.order.slot,
                retry_refusals=not self.order.attended,
                patient=self.order.retry or not self.order.one_by_name,
                prior=prior,
            )
            run = BackupRun(self.session.master_context(ref.master), request, partial(self._not_wanted, request))
            job = QueuedJob(
                Task(request, run, next(iter(prior.last_sizes), 0)),
                ref.master,
                predicted_seconds(durations, prior.last_sizes),
                chain_of(self.session.config, ref, self._detected),
                self.session.clock.monotonic() + wait,
                timed=bool(durations),
                first=goes_first(kind),
                limits=limit_names(self.session.config, ref),
            )
            self.queue.add([job])

    @cached_property
    def _detected(self) -> dict[ClientRef, str]:
        return detected_clusters(self.session.reader)

    def _not_run(
        self, ref: ClientRef, failure: Failure, outcome: Outcome = Outcome.SKIPPED, kind: str = PLAIN_KIND
    ) -> None:
        now = self.session.clock.now()
        run = Run(
            new_run_id(ref.client, now),
            ref.client,
            ref.master,
            now,
            outcome,
            kind,
            self.order.schedule,
            failure,
            ended=now,
        )
        self.session.store.record_run(run, slot=self.order.slot)
        self.runs[run.id] = run

    def _start_what_may(self) -> None:
        while (job := self.queue.start_next(self.session.clock.monotonic())) is not None:
            reason = self._no_longer(job.what)
            if reason is not None:
                self.queue.finished(job)
                self._end_waiting(job.what, reason)
                continue
            threading.Thread(target=self._step, args=(job,), name=job.what.run.run.id, daemon=True).start()

    def _no_longer(self, task: Task) -> Failure | None:
        """Why a waiting job is not to be started any more: its window closed, a blackout began, or somebody
        else has done it."""
        ends = self.order.window_ends
        if ends is not None and self.session.clock.now() > ends:
            return Failure(
                FailureCode.OUTSIDE_WINDOW,
                f"the window of {self.order.schedule} closed at {local_text(ends)}",
                "widen the window, raise max_parallel, or spread the clients over several nights",
            )
        now = self.session.clock.now()
        if self.order.slot is not None and (black := blackout_of(self.session.config, task.request.ref, now)):
            return Failure(FailureCode.OUTSIDE_WINDOW, black.why, "by hand it is made all the same: nimwrap backup")
        return self._not_wanted(task.request)

    def _not_wanted(self, request: BackupRequest) -> Failure | None:
        """Why the image is not wanted any more: a hold that came since, or somebody else has made it."""
        now = self.session.clock.now()
        for hold in self.session.reader.holds(now):
            if (hold.master, hold.client) == (request.ref.master, request.ref.client):
                return held_failure(request.ref, hold)
        return self._done_meanwhile(request)

    def _done_meanwhile(self, request: BackupRequest) -> Failure | None:
        """Another nimwrap's run that made this image since our command was given. One client alone is made again."""
        if self.order.one_by_name:
            return None
        ref = request.ref
        own = {run.id for run in self.runs.values()}
        good = [
            row.id
            for row in self.session.reader.last_runs(ref.master, ref.client, _LATELY)
            if row.kind == request.kind
            and row.outcome in _GOOD
            and row.id not in own
            and row.ended
            and datetime.fromisoformat(row.ended) > self.issued
        ]
        # The history does not say which volume group a run was of: all must have been done.
        wanted = len(self.session.config.policy(ref.master, ref.client).volume_groups) if request.volume_group else 1
        if len(good) < wanted:
            return None
        return Failure(FailureCode.LOCKED, f"done by run {good[0]} since this command was issued")

    def _end_waiting(self, task: Task, why: Failure) -> None:
        """End what waits, because of ``why``. A run that has tried already ends as its last round did."""
        if not task.run.begun:
            self._not_run(task.request.ref, why, kind=task.request.kind)
            return
        last = task.run.last_round
        told = last is not None and last.outcome is not Outcome.LOCKED and why.code in _NO_FURTHER_ROUND
        run = task.run.give_up_again(why) if told else task.run.give_up(Outcome.SKIPPED, why)
        self.runs[run.id] = run

    def _step(self, job: QueuedJob[Task]) -> None:
        """In a thread of its own: one round of one run. Whatever happens, its end reaches the queue."""
        try:
            result: Run | RetryLater | None = job.what.run.step()
        except Interrupted:
            result = None
        except Exception as error:  # a fault of ours in one client's run must not take the others down
            result = self._broken(job.what, error)
        self._ended.put((job, result))

    def _broken(self, task: Task, error: Exception) -> Run:
        task.run.let_go()
        failure = Failure(
            FailureCode.UNKNOWN,
            f"nimwrap itself failed: {type(error).__name__}: {error}",
            "run again with -v and report it; `nimwrap recover` closes what is open",
        )
        return replace(task.run.run, failure=failure)

    def _await_one(self) -> None:
        """Wait for the end of one round, or until something waiting becomes ready."""
        if not self.queue.running and (wait := self.queue.next_ready(self.session.clock.monotonic())) is not None:
            try:
                self.session.clock.sleep(min(wait, LOOK_AGAIN_S))
            except Interrupted:
                return
        try:
            job, result = self._ended.get(timeout=0.5)
        except Empty:
            return
        if learned := self.session.learned.get(job.master):
            learned.closed(job.what.run.run.id)
        if isinstance(result, RetryLater):
            self.queue.later(job, self.session.clock.monotonic() + result.wait_s)
            self._tell_again(job.what, result)
            return
        self.queue.finished(job)
        run = result or job.what.run.run
        self.runs[run.id] = replace(run, findings=())  # they stand in the history; of many clients they are much

    def _tell_again(self, task: Task, later: RetryLater) -> None:
        """Nobody shall wonder where a client has gone: when it is tried again, and why. Of a lock, once is enough."""
        if later.failure.code is FailureCode.LOCKED:
            if task.run.run.id in self._told_locked:
                return
            self._told_locked.add(task.run.run.id)
        at = self.session.clock.now() + timedelta(seconds=later.wait_s)
        note = f"{later.failure.code}: {later.failure.message}"
        self.session.tell(Progress(task.run.run.id, "again", task.request.ref.client, note=note, again=at))

    def expected_end(self) -> datetime | None:
        """When everything will be done, by what the history says; None while it says too little.

        What still waits is not written faster than its master was seen to write in this hour.
        """
        now = self.session.clock.monotonic()
        ends = expected_end(self.queue, now)
        if ends is None:
            return None
        waiting = Counter[str]()
        for job in self.queue.waiting:
            waiting[job.master] += job.what.size
        floors = [waiting[master] / rate for master, rate in self._rates.items()]
        return self.session.clock.now() + timedelta(seconds=max([ends - now, *floors]))

    @cached_property
    def _rates(self) -> dict[str, float]:
        """Bytes a second that were seen in this hour of the week, of those masters of which that was learned."""
        reader, at = self.session.reader, self.session.clock.now()
        return {name: rate for name in self.session.learned if (rate := learned_rate(reader, name, at))}


def run_fleet(session: Session, order: Order, observer: FleetObserver) -> list[Run]:
    """Run a fleet to its end; one record for every client asked for."""
    fleet = Fleet(replace(session, tell=observer.progresses), order)
    observer.begins(fleet.expected_end)
    runs = fleet.work()
    observer.ended(runs)
    return runs


def counts(order: Order, run: Run) -> bool:
    """Whether a run counts for the exit code: held and excluded clients that nobody named do not."""
    failure = run.failure
    if run.outcome is not Outcome.SKIPPED or failure is None:
        return True
    if failure.code is FailureCode.LOCKED:  # done and proven by another nimwrap since the command was issued
        return False
    return failure.code not in SET_ASIDE or ClientRef(run.master, run.client) in order.named
