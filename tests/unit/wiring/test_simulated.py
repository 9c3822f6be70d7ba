"""A server that is asked for a simulated center has that and nothing real, and no home is ever both."""

from pathlib import Path

import pytest

from suanli.model.errors import ConflictError
from suanli.model.resources import SIMULATED
from suanli.wiring.build import build_center
from suanli.wiring.settings import Settings


def test_a_simulated_center_has_made_up_nodes_alone(tmp_path: Path) -> None:
    made = build_center(Settings(home=tmp_path / "home", simulated_nodes=7))
    try:
        made.inventory.bootstrap()
        [(name, engine)] = made.engines.items()
        made.inventory.refresh(name)
        assert (name, engine.describe().simulated) == (SIMULATED, True)
        with made.store.read() as tables:
            nodes = tables.nodes()
        assert len(nodes) == 7
        assert all(SIMULATED in node.features and node.engine == name for node in nodes)
    finally:
        made.close()


@pytest.mark.parametrize(("first", "then"), [(0, 3), (3, 0)])
def test_a_home_is_not_simulated_at_one_time_and_real_at_another(tmp_path: Path, first: int, then: int) -> None:
    for count in (first, then):
        made = build_center(Settings(home=tmp_path / "home", simulated_nodes=count))
        try:
            if count == first:
                made.inventory.bootstrap()
                for name in made.engines:
                    made.inventory.refresh(name)
            else:
                with pytest.raises(ConflictError, match="not served here"):
                    made.inventory.bootstrap()
        finally:
            made.close()
