"""The state machine under facts by chance, legal and illegal: what no sequence of facts can do."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from suanli.model import facts
from suanli.model.errors import IllegalTransitionError, NotFoundError
from suanli.model.facts import Fact, Record
from suanli.model.ids import WorkloadId, run_id
from suanli.model.quantities import Instant
from suanli.model.spec import Dependency, DependencyKind, RetryCause, RetryPolicy
from suanli.model.usage import UsageDay
from suanli.model.workload import EndCause, Run, RunState, StopCause, Workload, WorkloadState
from suanli.testing.builders import allocation, spec
from tests.unit.kernel.book import Book, Key

AFTEROK = Dependency(kind=DependencyKind.AFTEROK, workload=WorkloadId(77))
AFTER = Dependency(kind=DependencyKind.AFTER, workload=WorkloadId(78), index=3)


class AnyFactAtAnyTime(RuleBasedStateMachine):
    """Facts by chance, most of them out of place. Whatever comes, the tables keep the law."""

    workloads = Bundle("workloads")

    def __init__(self) -> None:
        super().__init__()
        self.book = Book()

    def _try(self, fact: Fact) -> None:
        before = dict(self.book.records)
        try:
            changed = self.book.tell(fact)
        except (IllegalTransitionError, NotFoundError):
            assert self.book.records == before
            return
        for record in changed:
            self._judge(fact, before, record)

    def _judge(self, fact: Fact, before: dict[Key, Record], record: Record) -> None:
        if not isinstance(record, Run | Workload):
            return
        old = before.get((type(record), record.id))
        if isinstance(record, Run):
            assert record.id == getattr(fact, "run", record.id)
            assert record.workload == getattr(fact, "workload", record.workload)
            assert record.id == run_id(record.workload, record.attempt)
            assert old is not None or record.generation == 1
            if isinstance(old, Run):
                assert record.generation == old.generation + 1
                assert old.state is not RunState.ENDED
                assert old.stop is not StopCause.CANCELLED or record.stop is StopCause.CANCELLED
        elif isinstance(old, Workload):
            assert record.generation == old.generation + 1
            assert record.attempt == old.attempt + isinstance(fact, facts.RunPlaced)
            assert not old.state.final or isinstance(fact, facts.RequeueRequested)
            assert set(record.dependencies) <= set(old.dependencies)
            assert not isinstance(fact, facts.DependenciesMet) or record.dependencies != old.dependencies
            if isinstance(fact, facts.RunEnded):
                run = before[Run, fact.run]
                assert isinstance(run, Run)
                self._judge_end(fact, run, record)

    @staticmethod
    def _judge_end(fact: facts.RunEnded, run: Run, after: Workload) -> None:
        good = fact.cause is EndCause.EXITED and fact.exit_code == 0
        if run.stop is StopCause.CANCELLED:
            assert after.state is WorkloadState.CANCELLED
        elif good:
            assert after.state is WorkloadState.COMPLETED
        elif run.stop is not None or fact.cause in {EndCause.PREEMPTED, EndCause.REQUEUED}:
            assert after.state is WorkloadState.WAITING
        elif after.state is WorkloadState.WAITING:
            assert after.attempt < after.retry.max_attempts
        else:
            assert after.state not in {WorkloadState.COMPLETED, *(s for s in WorkloadState if not s.final)}

    @precondition(lambda self: len(self.book.all(Workload)) < 2)
    @rule(
        target=workloads,
        held=st.booleans(),
        depends=st.booleans(),
        attempts=st.integers(1, 3),
        on=st.frozensets(st.sampled_from(RetryCause)),
    )
    def submit(self, held: bool, depends: bool, attempts: int, on: frozenset[RetryCause]) -> WorkloadId:
        wanted = spec(dependencies=(AFTEROK, AFTER) if depends else (), retry=RetryPolicy(max_attempts=attempts, on=on))
        return self.book.submit(wanted, held=held)

    @rule(workload=workloads, cause=st.sampled_from(EndCause), exit_code=st.integers(-1, 1))
    def go_on(self, workload: WorkloadId, cause: EndCause, exit_code: int) -> None:
        """The fact most likely to come next, so that chance gets to late attempts too."""
        run = self.book.last_run(workload)
        match self.book.workload(workload).state:
            case WorkloadState.HELD:
                self._try(facts.WorkloadReleased(workload=workload))
            case WorkloadState.BLOCKED:
                self._try(facts.DependenciesMet(workload=workload))
            case WorkloadState.WAITING:
                self._try(self.book.next_run(workload))
            case WorkloadState.STARTING:
                self._try(facts.RunStarted(workload=workload, run=run, started_at=Instant(3)))
            case WorkloadState.RUNNING | WorkloadState.ENDING:
                self._try(facts.RunEnded(workload=workload, run=run, cause=cause, exit_code=exit_code))
            case _:
                self._try(facts.RequeueRequested(workload=workload))

    @rule(workload=workloads, kind=st.sampled_from([facts.WorkloadHeld, facts.WorkloadReleased]))
    def hold_or_release(self, workload: WorkloadId, kind: type[facts.WorkloadHeld | facts.WorkloadReleased]) -> None:
        self._try(kind(workload=workload))

    @rule(workload=workloads, kind=st.sampled_from([facts.CancelRequested, facts.RequeueRequested]))
    def cancel_or_requeue(
        self, workload: WorkloadId, kind: type[facts.CancelRequested | facts.RequeueRequested]
    ) -> None:
        self._try(kind(workload=workload))

    @rule(workload=workloads, limit=st.integers(0, 9))
    def update(self, workload: WorkloadId, limit: int) -> None:
        self._try(facts.WorkloadUpdated(workload=workload, time_limit_s=limit, priority=limit))

    @rule(workload=workloads, left=st.sampled_from([(), (AFTER,), (AFTEROK,), (AFTEROK, AFTER)]))
    def meet(self, workload: WorkloadId, left: tuple[Dependency, ...]) -> None:
        self._try(facts.DependenciesMet(workload=workload, left=left))

    @rule(workload=workloads, dependency=st.sampled_from([AFTER, AFTEROK]))
    def give_up(self, workload: WorkloadId, dependency: Dependency) -> None:
        self._try(facts.DependencyFailed(workload=workload, dependency=dependency))

    @rule(workload=workloads)
    def miss_deadline(self, workload: WorkloadId) -> None:
        self._try(facts.DeadlineMissed(workload=workload))

    @rule(workload=workloads, skip=st.integers(0, 1))
    def place(self, workload: WorkloadId, skip: int) -> None:
        run = run_id(workload, self.book.workload(workload).attempt + 1 + skip)
        self._try(facts.RunPlaced(workload=workload, run=run, allocation=allocation()))

    @rule(workload=workloads, other=workloads, back=st.integers(0, 1), at=st.integers(0, 2))
    def start(self, workload: WorkloadId, other: WorkloadId, back: int, at: int) -> None:
        run = run_id(other, max(1, self.book.workload(other).attempt - back))
        self._try(facts.RunStarted(workload=workload, run=run, started_at=Instant(at)))

    @rule(workload=workloads, other=workloads, back=st.integers(0, 1))
    def preempt(self, workload: WorkloadId, other: WorkloadId, back: int) -> None:
        run = run_id(other, max(1, self.book.workload(other).attempt - back))
        self._try(facts.PreemptRequested(workload=workload, run=run, by=WorkloadId(99)))

    @rule(
        workload=workloads,
        other=workloads,
        back=st.integers(0, 1),
        cause=st.sampled_from(EndCause),
        exit_code=st.integers(-1, 1),
    )
    def end(self, workload: WorkloadId, other: WorkloadId, back: int, cause: EndCause, exit_code: int) -> None:
        run = run_id(other, max(1, self.book.workload(other).attempt - back))
        self._try(facts.RunEnded(workload=workload, run=run, cause=cause, exit_code=exit_code))

    @invariant()
    def every_workload_agrees_with_its_runs(self) -> None:
        runs = list(self.book.all(Run).values())
        for workload in self.book.all(Workload).values():
            own = [run for run in runs if run.workload == workload.id]
            live = [run for run in own if run.state is not RunState.ENDED]
            assert sorted(run.attempt for run in own) == list(range(1, workload.attempt + 1))
            assert [run.attempt for run in live] == ([workload.attempt] if workload.state.active else [])
            for run in live:
                assert (workload.state is WorkloadState.STARTING) == (run.state is RunState.PLACED)
                assert (workload.state is WorkloadState.ENDING) == (run.state is RunState.STOPPING)
                assert run.started_at or run.state is not RunState.RUNNING
                assert (run.state is RunState.STOPPING) == (run.stop is not None)
                assert run.time_limit_s == workload.time_limit_s

    @invariant()
    def every_state_says_what_it_must(self) -> None:
        for workload in self.book.all(Workload).values():
            assert (workload.cause is not None) == workload.state.final == (workload.ended_at > 0)
            if workload.state in {WorkloadState.HELD, WorkloadState.BLOCKED, WorkloadState.WAITING}:
                assert (workload.eligible_at > 0) == (workload.state is WorkloadState.WAITING)
                assert (workload.started_at, workload.exit_code, workload.signal) == (0, -1, 0)
            if workload.state is WorkloadState.BLOCKED:
                assert workload.dependencies

    @invariant()
    def usage_is_what_ended_runs_held(self) -> None:
        began = [run for run in self.book.all(Run).values() if run.state is RunState.ENDED and run.started_at]
        days = self.book.all(UsageDay).values()
        assert sum(day.runs for day in days) == len(began)
        assert sum(day.generation for day in days) == len(began)
        held_us = sum(max(run.ended_at - run.started_at, 0) for run in began)
        assert sum(day.cpu_us for day in days) == held_us

    def teardown(self) -> None:
        replayed = Book()
        for recorded in self.book.facts:
            replayed.tell(recorded.fact)
        assert replayed.records == self.book.records


TestAnyFactAtAnyTime = AnyFactAtAnyTime.TestCase
TestAnyFactAtAnyTime.settings = settings(max_examples=150, stateful_step_count=40)
