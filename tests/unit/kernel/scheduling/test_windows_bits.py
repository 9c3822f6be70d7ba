"""Advance reservations as bits: what each group of work must heed at an instant, and until when that is so."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from suanli.kernel.scheduling.core.tables import CLOSED, NEVER, WINDOWS
from suanli.kernel.scheduling.demand import demand_of
from suanli.kernel.scheduling.job import Job
from suanli.kernel.scheduling.windows import Heed, Windows
from suanli.model.errors import InvalidRequestError
from suanli.model.ids import NodeName, ProjectName, QueueName, ReservationName, UserName, WorkloadId
from suanli.model.quantities import Instant
from suanli.model.reservations import AdvanceReservation
from suanli.model.spec import WorkloadSpec

SECOND = 1_000_000
SPEC = WorkloadSpec()
CLOSED_TO_IT = Heed(0, CLOSED)


def window(name: str, begin: int, end: int, *nodes: str) -> AdvanceReservation:
    return AdvanceReservation(
        name=ReservationName(name),
        starts_at=Instant(begin * SECOND),
        ends_at=Instant(end * SECOND),
        nodes=tuple(NodeName(one) for one in nodes or ("n0",)),
    )


def job(limit: int, within: str = "", workload: int = 1) -> Job:
    return Job(
        row=workload,
        workload=WorkloadId(workload),
        attempt=0,
        generation=1,
        queue=QueueName("q"),
        project=ProjectName("p"),
        owner=UserName("ann"),
        since=Instant(0),
        time_limit_s=limit,
        demand=demand_of(SPEC),
        association=0,
        asks=0,
        reservation=ReservationName(within),
    )


def at(now: float, *told: AdvanceReservation) -> Windows:
    """Windows that were told at the epoch and then moved to an instant, with nobody waiting."""
    found = Windows()
    for one in told:
        found.tell(one)
    found.move(Instant(round(now * SECOND)))
    list(found.moved())
    return found


REPAIR = window("repair", 100, 200)


@pytest.mark.parametrize(
    ("now", "limit", "within", "heed"),
    [
        pytest.param(0, 100, "", Heed(0, 0), id="gone by its very start"),
        pytest.param(0, 101, "", Heed(1, 0), id="would run into it"),
        pytest.param(0, 0, "", Heed(1, 0), id="may run for ever"),
        pytest.param(99, 1, "", Heed(0, 0), id="gone a moment before"),
        pytest.param(100, 1, "", Heed(1, 0), id="it is open"),
        pytest.param(199, 1, "", Heed(1, 0), id="its last second"),
        pytest.param(200, 1, "", Heed(0, 0), id="it has ended"),
        pytest.param(50, 10, "repair", Heed(0, 1 | CLOSED), id="within it, before it opens"),
        pytest.param(100, 100, "repair", Heed(0, 1), id="within it, all of it"),
        pytest.param(100, 101, "repair", Heed(0, 1 | CLOSED), id="within it, longer than it lasts"),
        pytest.param(150, 50, "repair", Heed(0, 1), id="within it, gone by its end"),
        pytest.param(151, 50, "repair", Heed(0, 1 | CLOSED), id="within it, too late"),
        pytest.param(150, 0, "repair", Heed(0, 1 | CLOSED), id="within it, without limit"),
        pytest.param(200, 1, "repair", CLOSED_TO_IT, id="within it, when it has ended"),
        pytest.param(0, 50, "other", CLOSED_TO_IT, id="within one that is not there"),
        pytest.param(150, 50, "other", Heed(1, CLOSED), id="and kept off this one"),
    ],
)
def test_what_work_must_heed_that_starts_now(now: int, limit: int, within: str, heed: Heed) -> None:
    assert at(now, REPAIR).join(job(limit, within)) == heed


@pytest.mark.parametrize(
    ("now", "limit", "within", "until"),
    [
        pytest.param(0, 30, "", 70, id="until it would run into it"),
        pytest.param(70, 30, "", 70, id="at that very instant still"),
        pytest.param(71, 30, "", 199.999999, id="then until the last moment of it"),
        pytest.param(150, 30, "", 199.999999, id="while it is open"),
        pytest.param(200, 30, "", None, id="when it has ended nothing changes any more"),
        pytest.param(0, 0, "", 199.999999, id="who may run for ever keeps off until its end"),
        pytest.param(0, 30, "repair", 99.999999, id="within it: until it opens"),
        pytest.param(100, 30, "repair", 170, id="within it: until too little of it is left"),
        pytest.param(171, 30, "repair", 199.999999, id="within it: until it has ended"),
        pytest.param(200, 30, "repair", None, id="and then never"),
    ],
)
def test_until_when_that_is_so(now: int, limit: int, within: str, until: float | None) -> None:
    windows = at(now, REPAIR)
    windows.join(job(limit, within))
    assert windows.until == (NEVER if until is None else round(until * SECOND))
    assert windows.are_current(Instant(now * SECOND))
    if until is not None:
        last = Instant(round(until * SECOND))
        assert windows.are_current(last)
        assert not windows.are_current(Instant(last + 1))


def test_nobody_waits_and_still_an_end_must_be_noticed() -> None:
    assert at(0, REPAIR).until == 200 * SECOND - 1
    assert at(0).until == NEVER


def test_before_the_instant_to_which_it_was_moved_nothing_is_known() -> None:
    assert not at(50, REPAIR).are_current(Instant(49 * SECOND))


def test_what_is_told_or_forgotten_makes_all_stale() -> None:
    windows = at(0, REPAIR)
    windows.tell(window("other", 5, 6))
    assert not windows.are_current(Instant(0))
    windows.move(Instant(0))
    list(windows.moved())
    assert windows.are_current(Instant(0))
    windows.forget(ReservationName("nobody's"))
    assert windows.are_current(Instant(0))
    windows.forget(ReservationName("repair"))
    assert not windows.are_current(Instant(0))


def test_those_who_move_are_told_what_they_heed_now_and_nobody_else() -> None:
    windows = at(0, REPAIR)
    short, long = job(10, workload=1), job(300, workload=2)
    inside = [job(50, "repair", workload=number) for number in (3, 4)]
    for one in (short, long, *inside):
        windows.join(one)
    windows.move(Instant(95 * SECOND))
    assert list(windows.moved()) == [(Heed(1, 0), [1])]
    windows.move(Instant(100 * SECOND))
    assert list(windows.moved()) == [(Heed(0, 1), [3, 4])]
    windows.leave(inside[0])
    windows.move(Instant(200 * SECOND))
    assert list(windows.moved()) == [(Heed(0, 0), [1]), (Heed(0, 0), [2]), (CLOSED_TO_IT, [4])]


def test_a_group_is_of_one_limit_and_one_reservation() -> None:
    windows = at(0, REPAIR)
    windows.join(job(300, workload=1))
    windows.join(job(300, workload=2))
    windows.join(job(301, workload=3))
    windows.forget(ReservationName("repair"))
    windows.move(Instant(0))
    assert [workloads for _, workloads in windows.moved()] == [[1, 2], [3]]


def test_nodes_have_the_bits_of_all_that_they_lie_in() -> None:
    windows = at(0, window("a", 10, 20, "n0", "n1"), window("b", 30, 40, "n1"), window("past", -9, 0, "n2"))
    assert windows.nodes() == {"n0": 0b01, "n1": 0b11}
    assert [windows.of_node(NodeName(name)) for name in ("n0", "n1", "n2", "n3")] == [1, 3, 0, 0]


def test_rows_are_by_bit_with_zeros_for_bits_not_in_use() -> None:
    windows = at(0, window("a", 10, 20), window("b", 30, 40), window("c", 50, 60))
    assert windows.rows() == [(10 * SECOND, 20 * SECOND), (30 * SECOND, 40 * SECOND), (50 * SECOND, 60 * SECOND)]
    windows.forget(ReservationName("b"))
    windows.move(Instant(0))
    assert windows.rows() == [(10 * SECOND, 20 * SECOND), (0, 0), (50 * SECOND, 60 * SECOND)]
    windows.tell(window("d", 70, 80))
    windows.move(Instant(0))
    assert windows.rows()[1] == (70 * SECOND, 80 * SECOND)
    assert at(0).rows() == []


@pytest.mark.parametrize(
    ("now", "first", "then"),
    [
        pytest.param(5, True, False, id="nothing happened since"),
        pytest.param(25, True, True, id="one ended"),
        pytest.param(19.999999, True, False, id="one is about to end"),
    ],
)
def test_it_is_told_whether_others_have_bits(now: float, first: bool, then: bool) -> None:
    windows = Windows()
    windows.tell(window("a", 10, 20))
    assert windows.move(Instant(0)) is first
    list(windows.moved())
    assert windows.move(Instant(round(now * SECOND))) is then


def test_a_reservation_that_changed_its_nodes_is_told_though_it_keeps_its_bit() -> None:
    windows = at(0, window("a", 10, 20, "n0"))
    windows.tell(window("a", 10, 20, "n1"))
    assert windows.move(Instant(0))
    assert windows.nodes() == {"n1": 1}


def test_those_of_some_bits_come_in_the_order_in_which_they_start() -> None:
    late, early, same = window("late", 30, 40), window("early", 10, 20), window("also-early", 10, 20)
    windows = at(0, late, early, same)
    assert windows.those(0b111) == [(4, same), (2, early), (1, late)]
    assert windows.those(0b010) == [(2, early)]
    assert windows.those(0) == []


def test_one_is_found_by_its_name_also_when_it_has_ended() -> None:
    windows = at(300, REPAIR)
    assert windows.named(ReservationName("repair")) == REPAIR
    assert windows.named(ReservationName("other")) is None


def test_as_many_as_there_are_bits_and_no_more() -> None:
    windows = at(0, *(window(f"w{place}", 10, 20) for place in range(WINDOWS)))
    assert len(windows.rows()) == WINDOWS
    windows.tell(window("one-more", 10, 20))
    with pytest.raises(InvalidRequestError) as caught:
        windows.move(Instant(0))
    assert caught.value.field == "reservations"
    assert caught.value.detail == f"of more than {WINDOWS} some must be removed or have ended"


def test_those_that_have_ended_need_no_bits() -> None:
    ended = [window(f"w{place}", 0, 5) for place in range(WINDOWS)]
    windows = at(9, *ended, window("one-more", 10, 20))
    assert windows.rows() == [(10 * SECOND, 20 * SECOND)]


def test_of_two_neither_notices_the_other() -> None:
    one = at(0, REPAIR)
    one.join(job(300, workload=1))
    other = one.copied()
    other.join(job(300, workload=2))
    other.tell(window("b", 0, 400, "n7"))
    other.move(Instant(0))
    assert list(other.moved()) == [(Heed(3, 0), [1, 2])]
    assert one.are_current(Instant(0))
    assert (one.nodes(), one.until) == ({"n0": 1}, 200 * SECOND - 1)
    one.leave(job(300, workload=1))


@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 10)), max_size=4),
    st.integers(0, 25),
    st.integers(0, 12),
    st.integers(0, 4),
)
def test_what_is_heeded_is_what_overlaps(spans: list[tuple[int, int]], now: int, limit: int, within: int) -> None:
    told = [window(f"w{place}", begin, begin + length) for place, (begin, length) in enumerate(spans)]
    windows = at(now, *told)
    bits = {one.name: 1 << bit for bit, one in enumerate(one for one in told if one.ends_at > now * SECOND)}
    name = f"w{within}" if within < 4 else ""
    heed = windows.join(job(limit, name))
    end = now + limit if limit else 10**9
    kept_off = sum(
        bits[one.name]
        for one, (begin, length) in zip(told, spans, strict=True)
        if one.name in bits and one.name != name and begin < end and now < begin + length
    )
    own = next((span for one, span in zip(told, spans, strict=True) if one.name == name and name in bits), None)
    is_open = own is not None and own[0] <= now and end <= own[0] + own[1]
    lies = bits.get(ReservationName(name), 0) | (CLOSED if name and not is_open else 0)
    assert heed == Heed(kept_off, lies)


@dataclass(frozen=True)
class _Waits:
    limit: int
    within: str


class AnyDay(RuleBasedStateMachine):
    """Time passes, reservations come and go, work waits: what was last told to each is what it must heed."""

    def __init__(self) -> None:
        super().__init__()
        self.windows, self.now = Windows(), Instant(0)
        self.told: dict[ReservationName, AdvanceReservation] = {}
        self.waits: dict[int, _Waits] = {}
        self.heeds: dict[int, Heed] = {}
        self.go_on()

    def go_on(self) -> None:
        self.windows.move(self.now)
        for heed, workloads in self.windows.moved():
            self.heeds.update(dict.fromkeys(workloads, heed))

    @rule(name=st.sampled_from(["a", "b", "c"]), begin=st.integers(1, 30), length=st.integers(1, 9))
    def reserve(self, name: str, begin: int, length: int) -> None:
        one = window(name, begin, begin + length)
        self.told[one.name] = one
        self.windows.tell(one)
        self.go_on()

    @rule(name=st.sampled_from(["a", "b", "c"]).map(ReservationName))
    def forget(self, name: ReservationName) -> None:
        self.told.pop(name, None)
        self.windows.forget(name)
        self.go_on()

    @rule(workload=st.integers(1, 5), limit=st.integers(0, 6), within=st.sampled_from(["", "a", "b"]))
    def wait(self, workload: int, limit: int, within: str) -> None:
        if workload not in self.waits:
            self.waits[workload] = _Waits(limit, within)
            self.heeds[workload] = self.windows.join(job(limit, within, workload))

    @precondition(lambda self: bool(self.waits))
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        workload = data.draw(st.sampled_from(sorted(self.waits)))
        one = self.waits.pop(workload)
        del self.heeds[workload]
        self.windows.leave(job(one.limit, one.within, workload))

    @rule(micros=st.integers(1, 4 * SECOND))
    def pass_time(self, micros: int) -> None:
        self.now = Instant(self.now + micros)

    @rule()
    def go_on_as_a_copy(self) -> None:
        self.windows = self.windows.copied()

    @invariant()
    def everybody_heeds_what_must_be_heeded_at_a_turn_taken_now(self) -> None:
        """Nothing is asked for as long as nothing can have changed; who came since the last turn may be told anew."""
        if not self.windows.are_current(self.now):
            self.go_on()
        bit_of = {
            name: bit
            for name, one in self.told.items()
            for bit, (begin, end) in ((1 << place, row) for place, row in enumerate(self.windows.rows()))
            if (begin, end) == (one.starts_at, one.ends_at) and self.windows.those(bit)[0][1].name == name
        }
        for workload, one in self.waits.items():
            end = self.now + one.limit * SECOND if one.limit else NEVER
            kept_off, lies = self.heeds[workload]
            must = {
                name
                for name, other in self.told.items()
                if name != one.within and other.starts_at < end and self.now < other.ends_at
            }
            assert {name for name, bit in bit_of.items() if kept_off & bit} == must
            own = self.told.get(ReservationName(one.within))
            is_open = own is not None and own.starts_at <= self.now and end <= own.ends_at
            assert bool(lies & CLOSED) is (bool(one.within) and not is_open)


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)


def test_a_changed_reservation_is_heeded_as_it_is_now() -> None:
    windows = at(0, REPAIR)
    assert windows.join(job(150)) == Heed(1, 0)
    windows.tell(replace(REPAIR, starts_at=Instant(150 * SECOND)))
    windows.move(Instant(0))
    assert list(windows.moved()) == [(Heed(0, 0), [1])]
