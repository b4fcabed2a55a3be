"""One client, one backup: the steps, in order, each written down before and after.

:meth:`BackupRun.step` does one round: preflight, lock, attempt, conclusion. It returns the finished run, or
:class:`Later` when the failure can pass; waiting is the queue's business and holds no lock and no slot.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import NoReturn

from nimwrap.aix import exportfs
from nimwrap.backup.attempt import OperationOutcomeUnknown, failure_of, make_image
from nimwrap.backup.attempt_planner import AttemptKey, fitting_flags, plan_attempt
from nimwrap.backup.attempt_record import AttemptResult, unstarted
from nimwrap.backup.backup_request import BackupRequest, RetryLater, new_run_id
from nimwrap.backup.cancel_request import refuse_cancelled
from nimwrap.backup.earlier_run import follow_earlier, made_by
from nimwrap.backup.export_journal import changed_by_another
from nimwrap.backup.post_backup import apply_name_and_retention, give_back_with_kit, warned
from nimwrap.backup.run_failures import exhausted, moved, with_cure
from nimwrap.backup.self_preflight import master_preflight
from nimwrap.backup.size_preview import space_short
from nimwrap.backup.slot_images import wanted_images
from nimwrap.config.model import BackupPolicy, RetryPolicy
from nimwrap.domain.attempt_plan import NIM, AttemptPlan, ordered_ways
from nimwrap.domain.clock import Interrupted, NotStarted
from nimwrap.domain.codes import CAN_PASS, FailureCode, Outcome
from nimwrap.domain.durations import rfc3339
from nimwrap.domain.errors import NimwrapError
from nimwrap.domain.findings import CheckVerdict, Failure
from nimwrap.domain.progress import Progress
from nimwrap.domain.records import Run
from nimwrap.domain.retry import wait_before
from nimwrap.domain.stopwatch import Stopwatch
from nimwrap.history.run_lease import RunLease
from nimwrap.hooks.hooks_of_run import run_after, run_before
from nimwrap.hosts.script_batch import PREAMBLE
from nimwrap.images.kinds.registry import KINDS, images_of
from nimwrap.locks.client_locks import beating, guarded, locked_by_another, take_locks
from nimwrap.master_context import MasterContext, log_path
from nimwrap.preflight.engine import preflight, recheck_source
from nimwrap.preflight.preflight_report import PreflightReport
from nimwrap.remedies.base import Work

DENIALS = frozenset({FailureCode.EXPORT_DENIED, FailureCode.SOURCE_ADDRESS_MISMATCH, FailureCode.EXPORT_CONFLICT})
"""Failures after which another way to let the client in may work at once."""

LOCKED_WAIT_S = 10.0
"""How long a fleet leaves a client alone that another nimwrap works on."""


class BackupRun:
    """The run of one request; :meth:`step` until it returns a Run.

    ``meanwhile`` says why the image is not needed any more, once somebody else has made it.
    """

    def __init__(
        self, context: MasterContext, request: BackupRequest, meanwhile: Callable[[], Failure | None] = lambda: None
    ) -> None:
        now = context.clock.now()
        self.watch = Stopwatch(context.clock.monotonic)
        self.context = self._unlocked = replace(context, stopwatch=self.watch)
        self.request, self.meanwhile = request, meanwhile
        ref = request.ref
        self.policy: BackupPolicy = context.config.policy(ref.master, ref.client)
        self.retry: RetryPolicy = context.config.retry_policy(ref.master, ref.client)
        self.run = Run(
            id=new_run_id(ref.client, now),
            client=ref.client,
            master=ref.master,
            started=now,
            kind=request.kind,
            schedule=request.schedule,
        )
        self.run = replace(self.run, log_path=str(log_path(context.config, self.run.id)))
        self.rounds = 0
        self.last_round: RetryLater | None = None
        self.tried: list[str] = []
        self._owner: RunLease | None = None
        self._locking = False
        """Whether a lock was ever asked for, so that there may be one to give back."""

    def begin(self) -> None:
        """Own the run and write its row, before anything is done for it."""
        self._owner = RunLease(self.context.config.state_dir, self.run.id)
        self.run = replace(self.run, started=self.context.clock.now(), waited_s=self.watch.waited_s)
        self.context.store.begin_run(self.run, slot=self.request.slot)

    @property
    def begun(self) -> bool:
        """Whether it has a row that must get an end."""
        return self._owner is not None

    def step(self) -> Run | RetryLater:
        """One round. Whatever happens, the run ends as a row, or is to be tried again."""
        self.watch.work()
        result = self._step()
        self.watch.wait()
        self.last_round = result if isinstance(result, RetryLater) else None
        return result

    def _step(self) -> Run | RetryLater:
        if self._owner is None:
            self.begin()
        self.rounds += 1
        try:
            refuse_cancelled(self.context, self.run.id)
            return self._round()
        except OperationOutcomeUnknown as lost:
            self._stay_open(lost.cause)
        except NotStarted:
            return self._close(Outcome.FAILED, unstarted("nimwrap was told to leave"))
        except NimwrapError as error:
            failure = failure_of(error)
            return self._again(failure) or self._close(Outcome.FAILED, failure)

    def _round(self) -> Run | RetryLater:
        report = self._look()
        if report.verdict is CheckVerdict.REFUSED:
            return self._refused(report)
        self.context.clock.before_start()
        self._locking = True
        lock = take_locks(self.context, self.run.client, self._cluster(report), self.run.id)
        if isinstance(lock, Failure):
            return self._not_locked(lock)
        with beating(self.context, self.run.client, self.run.id):
            self.context = guarded(self._unlocked, self.run.client, self.run.id, lock)
            return self._locked(report, lock.clock)

    def _locked(self, report: PreflightReport, clock: datetime) -> Run | RetryLater:
        """The rest of a round, under the client's lock; ``clock`` is the master's."""
        if (done := self.meanwhile()) is not None:  # under the lock, so that nobody is doing it just now
            return self._close(Outcome.SKIPPED, done)
        refuse_cancelled(self.context, self.run.id)
        work = Work(
            self.request.kind,
            fitting_flags(self.policy, report),
            clock,
            self.request.prior.last_sizes,
            self.request.volume_group,
        )
        short = space_short(self.context, self.run.id, report, work)
        if short is not None:
            return self._close(Outcome.REFUSED, short)
        kept = run_before(self.context, self.run)
        return self._close(kept.outcome, kept.failure) if kept else self._attempt(report, work)

    def _refused(self, report: PreflightReport) -> Run | RetryLater:
        failure = report.failure or Failure(FailureCode.UNKNOWN, "preflight refused without a reason")
        if failure.code is FailureCode.CLIENT_BUSY:
            # Busy with another nimwrap's run of it: that is a lock, and the holder has a name.
            held = locked_by_another(self.context, self.run.client, self.run.id)
            if held is not None:
                return self._not_locked(held)
            if (done := self.meanwhile()) is not None:
                return self._close(Outcome.SKIPPED, done)
        later = self._again(failure) if self._may_pass(failure) else None
        return replace(later, outcome=Outcome.REFUSED) if later else self._close(Outcome.REFUSED, failure)

    def _may_pass(self, failure: Failure) -> bool:
        """Whether a refusal is worth another look: one client's trouble soon passes, a master's keeps many waiting."""
        alone = failure.code is FailureCode.MASTER_UNREACHABLE and not self.request.patient
        return self.request.retry_refusals and not alone

    def _cluster(self, report: PreflightReport) -> tuple[str, ...]:
        """All that the PowerHA cluster is known by: to the node itself, and to the configuration."""
        configured = self.context.config.client(self.run.master, self.run.client).cluster
        return (*(report.cluster.marks if report.cluster else ()), *([configured] if configured else []))

    def _not_locked(self, failure: Failure) -> Run | RetryLater:
        """Another nimwrap works on this client. A fleet looks again later, as long as an image may take."""
        if failure.code is not FailureCode.LOCKED:
            return self._close(Outcome.FAILED, failure)
        with self.watch.waiting():
            earlier = follow_earlier(self._unlocked, failure)
        if earlier is not None:
            done = made_by(earlier, self.request)
            return self._close(Outcome.SKIPPED, done) if done else self._at_once(failure)
        waited = (self.context.clock.now() - self.run.started).total_seconds()
        if self.request.patient and waited < self.policy.timeout:
            return replace(self._at_once(failure), wait_s=min(LOCKED_WAIT_S, self.retry.max_wait))
        return self._close(Outcome.LOCKED, failure)

    def _at_once(self, failure: Failure) -> RetryLater:
        """Another look without a wait: what stood in the way is gone, and it was no round of this run."""
        self.rounds -= 1
        return RetryLater(0.0, failure, Outcome.LOCKED)

    def _attempt(self, report: PreflightReport, work: Work) -> Run | RetryLater:
        """One attempt, and at once the next remedy after a denial as long as there is one."""
        while True:
            source = recheck_source(self.context.host, self.context.master, report)
            if source.actual and source.actual != report.source_address.actual:
                failure = moved(self.run, source.actual)
                return self._again(failure) or self._close(Outcome.FAILED, failure)
            method = self._method(report)
            if method is None:
                return self._close(Outcome.REFUSED, report.failure or exhausted(self.run, self.tried))
            self.tried.append(method)
            key = AttemptKey(self.run.id, len(self.run.attempts) + 1, method)
            plan = plan_attempt(self.context.master, report, work, key, self._exports)
            if isinstance(plan, AttemptPlan):
                plan = replace(plan, job_ways=ordered_ways(self.request.prior.jobs_lost))
                plan = changed_by_another(self.context, plan) or plan
            if isinstance(plan, Failure):
                self.context.note(self.run.id, "remedy", f"{method} was not tried: {plan.message}")
                if self._method(report) is not None:
                    continue
                self.tried.clear()
                later = self._again(plan) if self.run.attempts else None
                return later or self._close(Outcome.FAILED if self.run.attempts else Outcome.REFUSED, plan)
            self._progress("start", method)
            done = make_image(self.context, report, work, plan)
            self.run = replace(self.run, attempts=(*self.run.attempts, done.attempt), remedy=plan.remedy)
            failure = done.failure or exhausted(self.run, self.tried)
            if done.outcome is Outcome.LOCKED:
                self.tried.clear()
                self._release()
                return self._not_locked(failure)
            if done.outcome is not Outcome.FAILED:
                return self._good(done)
            if failure.code in DENIALS or failure.code is FailureCode.CLIENT_JOB_LOST:
                report = self._look()
                if report.verdict is not CheckVerdict.REFUSED and self._method(report) is not None:
                    continue
                failure = with_cure(failure, report)
            self.tried.clear()
            return self._again(failure, released=True) or self._close(Outcome.FAILED, failure)

    def _look(self) -> PreflightReport:
        self._progress("preflight")
        context, ref = self.context, self.request.ref
        if KINDS[self.request.kind].through_client:
            prior = {ref.client: self.request.prior}
            now = context.clock.now()
            (report,) = preflight(context.host, context.master, context.config, [ref.client], prior, now)
        else:
            report = master_preflight(context, ref, self.request.kind, self.request.prior.last_sizes)
        context.store.set_findings(self.run.id, report.findings)
        self._remember(report)
        self.run = replace(
            self.run,
            findings=report.findings,
            source_address=report.source_address,
            cluster=report.cluster or self.run.cluster,
        )
        source = report.source_address
        context.store.update_run(
            self.run.id,
            phase="preflight",
            expected_address=source.expected,
            actual_address=source.actual,
            address_method=source.method,
            cluster=self.run.cluster,
        )
        return report

    def _exports(self) -> str:
        script = PREAMBLE + shlex.join(exportfs.list_argv())
        return self.context.act(self.run.id, "the exports before the change", script).stdout

    def _remember(self, report: PreflightReport) -> None:
        """The way to the client, once found out, is what the next look begins with; unrecorded it costs calls."""
        if not report.route_is_new:
            return
        context, ref = self.context, self.request.ref
        with suppress(NimwrapError):
            context.store.remember_route(
                ref.master, ref.client, report.route, report.channel_calls, context.clock.now()
            )
        self.request = replace(self.request, prior=replace(self.request.prior, route=report.route))

    def _method(self, report: PreflightReport) -> str | None:
        """NIM's own way when the source is the expected one, else the first remedy not tried in this round."""
        if not report.source_differs:
            return NIM if NIM not in self.tried else None
        return next((remedy for remedy in report.remedies if remedy not in self.tried), None)

    def _again(self, failure: Failure, *, released: bool = False) -> RetryLater | None:
        """A wait, if the failure can pass and rounds are left; the lock is given back for as long as it lasts."""
        if failure.code not in CAN_PASS or self.rounds >= self.retry.attempts:
            return None
        wait_s = wait_before(self.retry, self.rounds)
        self.context.note(
            self.run.id, "retry", f"round {self.rounds} failed with {failure.code}; again in {wait_s:.0f} s"
        )
        if not released or failure.code is not FailureCode.MASTER_UNREACHABLE:
            self._release()
        return RetryLater(wait_s, failure)

    def _good(self, done: AttemptResult) -> Run:
        self.run = replace(self.run, image=done.image)
        try:
            kept = apply_name_and_retention(self.context, self.run)
        except NimwrapError as error:
            self._stay_open(error)  # the image is safe, its fixed name is half way
        return self._close(*warned(done.outcome, done.failure, kept))

    def _stay_open(self, error: NimwrapError) -> NoReturn:
        """As after a crash: what was done lies on the master with its lock, and recover writes down its true end."""
        failure = failure_of(error)
        said = f"{failure.message}; the run stays open"
        self.run = replace(self.run, failure=replace(failure, message=said, fix="nimwrap recover goes on from there"))
        self._progress("recover", said)
        self.let_go()
        raise Interrupted from error

    def let_go(self) -> None:
        """As if this process had died: the run stays open, and recover, which finds no living owner, ends it."""
        if self._owner is not None:
            self._owner.release()

    def give_up(self, outcome: Outcome, failure: Failure) -> Run:
        """End the run without a further round (the window closed, the queue was drained)."""
        if self._owner is None:
            self.begin()
        return self._close(outcome, failure)

    def give_way(self) -> Run:
        """End the run because we are told to leave, so that its slot may be taken again."""
        why, last = "nimwrap was told to leave", self.last_round
        if last is None or not self.run.attempts:
            return self.give_up(Outcome.FAILED, unstarted(why))
        said = f"{why} while this run waited for another try; the last one: {last.failure.code}: {last.failure.message}"
        return self.give_up(Outcome.FAILED, Failure(FailureCode.KILLED, said, last.failure.fix))

    def give_up_again(self, why: Failure) -> Run:
        """End the run as its last round ended, since there will be no other one because of ``why``."""
        last = self.last_round
        if last is None:
            return self.give_up(Outcome.SKIPPED, why)
        said = f"{last.failure.message} (no further try: {why.message})"
        return self.give_up(last.outcome, replace(last.failure, message=said))

    def _close(self, outcome: Outcome, failure: Failure | None) -> Run:
        try:
            outcome, failure = run_after(self.context, self.run, outcome, failure)
        except (Interrupted, NimwrapError):  # what ends well is told by whoever comes next, once it can be
            self.let_go()
            return self.run
        worked, waited = self.watch.worked_s, self.watch.waited_s
        ended = max(self.context.clock.now(), self.run.started)
        self.run = replace(self.run, outcome=outcome, failure=failure, ended=ended, worked_s=worked, waited_s=waited)
        recorded = True
        try:
            # While nothing of it lies on the master, the row is the only record of its end.
            self.context.store.close_run(self.run, hurried=bool(self.run.attempts), slot_done=self._last_of_slot())
        except NimwrapError as error:
            recorded = False
            self._progress("history", f"the end of {self.run.id} is not recorded yet: {error.message}")
        # An unrecorded end stays readable in the spool's room; the next recover writes its row from there.
        self._release(clear=recorded)
        self.let_go()
        why = f": {failure.code}: {failure.message}" if failure else ""
        self.context.log(self.run.id, f"end: {outcome}{why}", self.context.clock.now())
        self._progress("done", outcome, outcome)
        return self.run

    def _last_of_slot(self) -> bool:
        """Whether the slot wants no further image of this client once this run has ended."""
        request, own = self.request, (self.request.kind, self.request.volume_group)
        if request.slot is None or images_of(self.policy, request.ref.client) == [own]:
            return True
        slot = rfc3339(request.slot)
        wanted = wanted_images(self.context.config, self.context.queries, request.ref, request.schedule, slot)
        return set(wanted) <= {own}

    def _release(self, *, clear: bool = False) -> None:
        self.context = self._unlocked
        if not self._locking:
            return
        room = f"{self.context.master.spool}/{self.run.id}" if clear else None
        try:
            give_back_with_kit(self.context, self.run.client, self.run.id, room, made=self.run.image is not None)
        except NimwrapError as error:
            self._progress("spool", f"lock not given back: {error.message}; the next recover does it")

    def _progress(self, phase: str, note: str = "", outcome: Outcome | None = None) -> None:
        elapsed = (self.context.clock.now() - self.run.started).total_seconds()
        run = self.run
        self.context.tell(Progress(run.id, phase, run.client, elapsed_s=elapsed, note=note, outcome=outcome))
