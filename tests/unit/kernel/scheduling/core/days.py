"""Random centers, and what is submitted to them in a random day."""

from __future__ import annotations

import os

from hypothesis import strategies as st

from tests.unit.kernel.scheduling.core.center import Job, Node, Shape

DAYS = int(os.environ.get("SUANLI_DAYS", "2000"))
"""How many to live through."""

DEVICES = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([True, True, True, False])), max_size=4).map(tuple)
NODES = st.builds(
    Node,
    cpu=st.integers(1, 16),
    memory=st.integers(1, 40),
    devices=DEVICES,
    engine=st.sampled_from([0, 0, 0, 1]),
    ready=st.sampled_from([True, True, True, True, False]),
)
SHAPES = st.one_of(
    st.builds(Shape, cpu=st.integers(1, 6), memory=st.integers(1, 10), unit=st.sampled_from([0, 0, 1, 2])),
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
    st.builds(Shape, alone=st.just(True)),
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
