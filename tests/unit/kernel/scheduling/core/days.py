"""Random centers, and what is submitted to them in a random day."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from suanli.model.devices import Interconnect
from tests.unit.kernel.scheduling.core.center import Job, Node, Shape

DAYS = int(os.environ.get("SUANLI_DAYS", "2000"))
"""How many to live through."""

DEVICES = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([True, True, True, False])), max_size=4).map(tuple)
GROUPS = st.lists(st.lists(st.integers(0, 3), min_size=2, max_size=3, unique=True).map(tuple), max_size=2).map(tuple)
LINKS = st.dictionaries(st.sampled_from(Interconnect), GROUPS, max_size=3).map(lambda links: tuple(links.items()))
NODES = st.builds(
    Node,
    cpu=st.integers(1, 16),
    memory=st.integers(1, 40),
    devices=DEVICES,
    engine=st.sampled_from([0, 0, 0, 1]),
    ready=st.sampled_from([True, True, True, True, False]),
    disk=st.sampled_from([0, 5, 20]),
    links=st.one_of(st.just(()), LINKS),
)
SHAPES = st.one_of(
    st.builds(Shape, cpu=st.integers(1, 6), memory=st.integers(1, 10), unit=st.sampled_from([0, 0, 1, 2])),
    st.builds(Shape, cpu=st.integers(1, 3), disk=st.integers(1, 8), unit=st.sampled_from([0, 0, 1, 2])),
    st.builds(
        Shape,
        cpu=st.integers(1, 3),
        devices=st.integers(1, 2),
        types=st.frozensets(st.integers(0, 2), min_size=1),
        unit=st.sampled_from([0, 0, 1]),
    ),
    st.builds(
        Shape,
        devices=st.just(1),
        share=st.sampled_from([250, 300, 500, 700]),
        types=st.frozensets(st.integers(0, 2), min_size=1),
    ),
    st.builds(
        Shape,
        cpu=st.integers(1, 2),
        devices=st.integers(2, 3),
        types=st.frozensets(st.integers(0, 2), min_size=2),
        unit=st.sampled_from([0, 0, 1, 2]),
        apart=st.integers(1, 5),
    ),
    st.builds(Shape, alone=st.just(True), disk=st.sampled_from([0, 0, 6])),
)


@st.composite
def days(draw: st.DrawFn) -> tuple[list[Node], list[Job]]:
    nodes = draw(st.lists(NODES, min_size=1, max_size=6))
    shapes = draw(st.lists(SHAPES, min_size=1, max_size=4))
    jobs, now = [], 0
    for _ in range(draw(st.integers(1, 25))):
        now += draw(st.integers(0, 4))
        limit = draw(st.integers(1, 30))
        need, shape = draw(st.integers(1, 6)), draw(st.sampled_from(shapes))
        jobs.append(Job(now, draw(st.integers(1, limit)), limit, need, shape))
    return nodes, jobs


@st.composite
def counts(draw: st.DrawFn) -> tuple[int, list[Job]]:
    processors = draw(st.integers(1, 12))
    jobs, now = [], 0
    for _ in range(draw(st.integers(1, 30))):
        now += draw(st.integers(0, 5))
        limit = draw(st.integers(1, 20))
        jobs.append(Job(now, draw(st.integers(1, limit)), limit, draw(st.integers(1, processors))))
    return processors, jobs


Running = tuple[int, int, int]
"""When a run ends, when it started, and whose it is."""


def starts_on_counts(
    jobs: Sequence[Job], startable: Callable[[Sequence[int], Sequence[Running], int], list[int]]
) -> list[int]:
    """Start of each job where after each event those start that a rule picks of who waits, given who runs, and when."""
    starts: dict[int, int] = {}
    running: list[Running] = []
    waiting: list[int] = []
    coming = list(range(len(jobs)))
    while coming or running:
        if running and (not coming or min(running)[0] <= jobs[coming[0]].submitted):
            event = min(running)
            now = event[0]
            running.remove(event)
        else:
            now = jobs[coming[0]].submitted
            waiting.append(coming.pop(0))
        for job in startable(waiting, running, now):
            starts[job] = now
            running.append((now + jobs[job].runtime, now, job))
            waiting.remove(job)
    return [starts[job] for job in range(len(jobs))]
