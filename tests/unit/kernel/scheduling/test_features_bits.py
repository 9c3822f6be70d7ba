"""Features as bits: who has which, when a bit is given, kept and given to another name."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from suanli.kernel.scheduling.core import tables as t
from suanli.kernel.scheduling.features import Features
from suanli.model.errors import InvalidRequestError

NODES, SHAPES = 3, 6


def tables() -> t.Center:
    return t.make_center(
        t.Sizes(nodes=NODES, devices=0, engines=1, shapes=SHAPES, kinds=1, jobs=1, holds=1, device_holds=1, keys=4)
    )


def having(center: t.Center, bit: int) -> set[int]:
    """Nodes that have a bit, in all three of the tables that say so."""
    found = [set(np.flatnonzero(nodes[:, t.HAS] & bit).tolist()) for nodes in three(center)]
    assert found[0] == found[1] == found[2]
    return found[0]


def three(center: t.Center) -> Iterable[t.Ints]:
    return center.nodes, center.then_nodes, center.both_nodes


def names(*words: str) -> frozenset[str]:
    return frozenset(words)


def test_a_node_has_no_bit_of_what_nobody_named() -> None:
    features, center = Features(), tables()
    assert features.set_node(0, names("ib", "avx")) == 0
    assert features.bits == {}
    assert features.take(center, 0, ["ib"])
    assert features.bits == {"ib": 1}
    assert having(center, 1) == {0}


def test_a_node_that_is_told_again_is_told_its_bits() -> None:
    features, center = Features(), tables()
    features.take(center, 0, ["a", "b"])
    bits = features.bits
    assert features.set_node(1, names("a", "c")) == bits["a"]
    assert features.set_node(1, names("a", "b")) == bits["a"] | bits["b"]
    assert features.set_node(1, names()) == 0


@pytest.mark.parametrize(
    ("asked", "mask", "is_new"),
    [
        pytest.param([], 0, False, id="nothing"),
        pytest.param(["a"], 1, True, id="one"),
        pytest.param(["a", "b", "c"], 7, True, id="several"),
    ],
)
def test_a_shape_must_have_the_bits_of_its_names(asked: list[str], mask: int, is_new: bool) -> None:
    features, center = Features(), tables()
    center.shapes[2, t.SEEN] = 5
    assert features.take(center, 2, asked) is is_new
    assert center.shapes[2, t.MUST_HAVE] == mask
    # What the shape remembers of nodes is worth nothing where it asks for other bits than before.
    assert center.shapes[2, t.SEEN] == (t.NOBODY if mask else 5)


def test_a_shape_that_asks_for_the_same_keeps_what_it_remembers() -> None:
    features, center = Features(), tables()
    features.take(center, 0, ["a"])
    center.shapes[0, t.SEEN] = 5
    assert not features.take(center, 0, ["a"])
    assert center.shapes[0, t.SEEN] == 5


def test_a_name_that_is_used_no_more_keeps_its_bit_until_another_needs_it() -> None:
    features, center = Features(), tables()
    every = [f"f{place}" for place in range(t.FEATURES)]
    features.set_node(0, names("f0", "new"))
    features.set_node(1, names("f1"))
    for name in every:
        features.take(center, 0, [name])
    features.leave(["f1", "f0"])
    assert features.bits["f0"] == 1
    assert features.take(center, 1, ["new"])
    # The name that was named first of those that nobody uses gave up its bit.
    assert "f0" not in features.bits
    assert features.bits["new"] == 1
    assert having(center, 1) == {0}
    assert having(center, features.bits["f1"]) == {1}


def test_who_names_what_is_still_known_gets_no_new_bit() -> None:
    features, center = Features(), tables()
    features.take(center, 0, ["a"])
    features.leave(["a"])
    assert not features.take(center, 0, ["a"])


def test_more_names_than_bits_are_refused_and_named_ones_are_not() -> None:
    features, center = Features(), tables()
    every = [f"f{place}" for place in range(t.FEATURES)]
    features.admit(every)
    features.take(center, 0, every)
    features.admit(every)
    features.admit([])
    with pytest.raises(InvalidRequestError) as caught:
        features.admit(["f0", "one more"])
    assert caught.value.field == "features"
    assert caught.value.detail == f"waiting work names more than {t.FEATURES} features of nodes"
    features.leave(["f7"])
    features.admit(["f0", "one more"])


def test_more_names_at_once_than_bits_are_refused() -> None:
    with pytest.raises(InvalidRequestError):
        Features().admit([f"f{place}" for place in range(t.FEATURES + 1)])


def test_of_two_neither_notices_the_other() -> None:
    one, center = Features(), tables()
    one.set_node(0, names("a"))
    one.take(center, 0, ["a"])
    other, theirs = one.copied(), center.copied()
    other.set_node(1, names("a"))
    other.take(theirs, 1, ["b"])
    other.leave(["a"])
    assert one.bits == {"a": 1}
    assert one.take(center, 1, ["c"])
    assert having(center, 1) == {0}
    assert (other.bits, having(theirs, 1)) == ({"a": 1, "b": 2}, {0})


WORDS = st.sampled_from(["a", "b", "c", "d"])
SETS = st.frozensets(WORDS, max_size=3)


class AnyDay(RuleBasedStateMachine):
    """Nodes come to have features, work names them and goes; sets say what is so."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.center = Features(), tables()
        self.of_nodes = [names()] * NODES
        self.asked: dict[int, frozenset[str]] = {}

    @rule(row=st.integers(0, NODES - 1), features=SETS)
    def tell_node(self, row: int, features: frozenset[str]) -> None:
        bits = self.features.set_node(row, features)
        for nodes in three(self.center):
            nodes[row, t.HAS] = bits
        self.of_nodes[row] = features

    @precondition(lambda self: len(self.asked) < SHAPES)
    @rule(features=SETS)
    def come(self, features: frozenset[str]) -> None:
        shape = next(place for place in range(SHAPES) if place not in self.asked)
        self.features.admit(features)
        self.features.take(self.center, shape, sorted(features))
        self.asked[shape] = features

    @precondition(lambda self: bool(self.asked))
    @rule(data=st.data())
    def go(self, data: st.DataObject) -> None:
        shape = data.draw(st.sampled_from(sorted(self.asked)))
        self.features.leave(self.asked.pop(shape))

    @rule()
    def go_on_as_a_copy(self) -> None:
        self.features = self.features.copied()

    @invariant()
    def nodes_have_the_bits_of_their_features(self) -> None:
        for name, bit in self.features.bits.items():
            assert having(self.center, bit) == {row for row in range(NODES) if name in self.of_nodes[row]}

    @invariant()
    def work_must_have_the_bits_of_what_it_names(self) -> None:
        for shape, asked in self.asked.items():
            assert asked <= self.features.bits.keys()
            assert self.center.shapes[shape, t.MUST_HAVE] == sum(self.features.bits[name] for name in asked)

    @invariant()
    def bits_are_of_one_name_each(self) -> None:
        bits = list(self.features.bits.values())
        assert len(set(bits)) == len(bits)
        assert all(bit.bit_count() == 1 for bit in bits)


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
