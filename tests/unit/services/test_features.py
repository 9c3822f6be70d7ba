"""Features at submission: what no node has is refused, and so is more than the planner tells apart."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from suanli.kernel.scheduling.core.tables import FEATURES
from suanli.model.errors import AdmissionRefusedError, InvalidRequestError
from suanli.model.facts import SYSTEM, NodeRegistered
from suanli.services.features import FeatureAdmission
from suanli.testing.builders import node
from tests.unit.services.center import Center, opened
from tests.unit.services.turning import Turning


@pytest.fixture
def center(tmp_path: Path) -> Iterator[Center]:
    with opened(tmp_path, checks=[FeatureAdmission()]) as made:
        yield made


def have(center: Center, *features: str) -> None:
    fact = NodeRegistered(node=node(features=frozenset(features)))
    center.store.transact(lambda tx: tx.append(fact, actor=SYSTEM))


def test_what_no_node_has_is_refused_by_its_name(center: Center) -> None:
    have(center, "x86_64")
    center.submit(features=frozenset({"x86_64"}))
    with pytest.raises(AdmissionRefusedError, match="no node of this center has feature ib") as refused:
        center.submit(features=frozenset({"x86_64", "ib"}))
    assert refused.value.reason == "feature_unknown"


@pytest.mark.parametrize("name", ["", "a b", "x" * 65, "-x"])
def test_what_cannot_name_a_feature_is_invalid(center: Center, name: str) -> None:
    with pytest.raises(InvalidRequestError, match="cannot name a feature"):
        center.submit(features=frozenset({name}))


def test_more_names_than_one_may_ask_for_are_invalid(center: Center) -> None:
    with pytest.raises(InvalidRequestError, match="more than 16"):
        center.submit(features=frozenset(f"f{number}" for number in range(17)))


def test_no_more_features_wait_than_can_be_told_apart(center: Center) -> None:
    names = [f"f{number}" for number in range(FEATURES + 1)]
    have(center, *names)
    for name in names[:-1]:
        center.submit(features=frozenset({name}))
    with pytest.raises(AdmissionRefusedError) as refused:
        center.submit(features=frozenset(names[-1:]))
    assert refused.value.reason == "features_too_many"
    center.submit(features=frozenset(names[:1]))


def test_the_planner_learns_of_features_as_nodes_get_them(center: Center) -> None:
    have(center, "x86_64", "ib")
    turning = Turning(center)
    have(center, "x86_64", "nvme")
    waits = turning.submit(features=frozenset({"nvme"}))
    turning.settle()
    assert turning.running() == [waits]
