"""The queue as one list in plain Python: whichever part moves, and wherever in its row it begins."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.core.lists import dequeue, enqueue, put_in, take_out

JOBS = 12


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 120))
def test_the_queue_is_in_order_of_its_keys_and_knows_the_kinds(seed: int, steps: int) -> None:
    chance = Random(seed)
    center = t.make_center(t.Sizes(1, 0, 1, 1, 3, JOBS, 1, 1))
    center.keys[:] = [[chance.randint(0, 2) for _ in range(JOBS)] for _ in range(3)]
    center.jobs[:, t.KIND] = [chance.randint(0, 2) for _ in range(JOBS)]
    there: list[int] = []
    for _ in range(steps):
        job = chance.randrange(JOBS)
        if job in there:
            dequeue(center, job)
            there.remove(job)
        else:
            enqueue(center, job)
            there.append(job)
        there.sort(key=lambda other: (*center.keys[:, other], other))
        assert t.queued(center).tolist() == there
        first = center.sizes[t.FIRST]
        assert center.lists[t.KIND_OF, first : first + len(there)].tolist() == center.jobs[there, t.KIND].tolist()
        counts = [sum(center.jobs[other, t.KIND] == kind for other in there) for kind in range(3)]
        assert center.kinds[:, t.WAITING_OF].tolist() == counts


@given(seed=st.integers(0, 2**32), steps=st.integers(1, 120))
def test_any_place_can_be_taken_and_left(seed: int, steps: int) -> None:
    chance = Random(seed)
    center = t.make_center(t.Sizes(1, 0, 1, 1, 1, JOBS, 1, 1))
    there: list[int] = []
    for _ in range(steps):
        if there and (len(there) == JOBS or chance.random() < 0.5):
            place = chance.randrange(len(there))
            take_out(center, place)
            del there[place]
        else:
            place, job = chance.randint(0, len(there)), chance.choice([n for n in range(JOBS) if n not in there])
            put_in(center, place, job)
            there.insert(place, job)
        assert t.queued(center).tolist() == there
