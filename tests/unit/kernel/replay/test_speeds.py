"""Jobs that take as long as the model of their devices has them: known to the planner, or lived through unknown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from suanli.kernel.replay.center import CenterDescription, from_mapping
from suanli.kernel.replay.formats.gavel import read_gavel
from suanli.kernel.replay.loop import replay
from suanli.kernel.replay.policy import POLICIES, Policy
from suanli.kernel.replay.speeds import factors_of, longest_us
from suanli.kernel.replay.trace import Trace
from suanli.model.errors import InvalidRequestError, NotFoundError
from suanli.model.spec import Objective

SECOND = 1_000_000
RATES = {
    "v100": {("ResNet", 1): 10.0, ("LM", 1): 4.0, ("ResNet", 2): 16.0},
    "k80": {("ResNet", 1): 2.0, ("LM", 1): 2.0},
}


def line(job: str = "ResNet", steps: int = 100, scale: int = 1, arrival: float = 0) -> str:
    return f"{job}\tx\tx\t-n\t0\t{steps}\t{scale}\t1\t-1\t{arrival}"


def read(*lines: str) -> Trace:
    return read_gavel("\n".join(lines), RATES, "v100")


def center(*models: str, watts: dict[str, int] | None = None) -> CenterDescription:
    """A node of one device each."""
    drawn = watts or {}
    groups = [
        {
            "prefix": f"n{place}-",
            "cpus": 4,
            "memory": "8GiB",
            "devices": [{"model": model, "power": {"max_w": drawn.get(model, 0)}}],
        }
        for place, model in enumerate(models)
    ]
    return from_mapping({"nodes": groups})


def lived(trace: Trace, where: CenterDescription, policy: Policy) -> list[tuple[int, int]]:
    """Start and end of each job in seconds."""
    outcome = replay(trace, where, policy)
    spans = zip(outcome.started_us.tolist(), outcome.ended_us.tolist(), strict=True)
    return [(started // SECOND, ended // SECOND) for started, ended in spans]


BLIND, AWARE = POLICIES["easy"], POLICIES["easy-time"]


def test_a_reader_tells_how_much_longer_jobs_take_elsewhere() -> None:
    trace = read(line(), line("LM"))
    assert trace.factor_models == ("v100", "k80")
    assert trace.applications == ("ResNet", "LM")
    assert trace.factors.tolist() == [[1.0, 5.0], [1.0, 2.0]]


def test_where_a_job_cannot_run_it_takes_for_ever() -> None:
    trace = read(line(scale=2))
    assert trace.applications == ("ResNet x2",)
    assert trace.factors.tolist() == [[1.0, np.inf]]


def test_factors_are_one_of_each_application_and_model() -> None:
    with pytest.raises(InvalidRequestError):
        replace(read(line()), factors=np.ones((2, 2)))


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        (("v100", "k80"), [[1.0, 5.0], [1.0, 2.0]]),
        (("k80", "v100"), [[5.0, 1.0], [2.0, 1.0]]),
        (("k80",), [[5.0], [2.0]]),
        (("k80", "T4"), [[5.0, 1.0], [2.0, 1.0]]),
        (("Tesla V100 SXM2", "k80"), [[1.0, 5.0], [1.0, 2.0]]),
    ],
)
def test_factors_of_a_center_are_by_its_own_models(models: tuple[str, ...], expected: list[list[float]]) -> None:
    trace = read(line(), line("LM"))
    found = factors_of(trace, center(*models))
    assert found.tolist() == expected


def test_limits_hold_on_the_slowest_model() -> None:
    trace, where = read(line(), line("LM")), center("v100", "k80")
    assert longest_us(trace, factors_of(trace, where)).tolist() == [50 * SECOND, 50 * SECOND]
    assert longest_us(trace, np.ones((0, 0))).tolist() == trace.requested_us.tolist()


@pytest.mark.parametrize(
    ("models", "seconds"), [(("v100",), 10), (("k80",), 50), (("k80", "v100"), 50), (("v100", "k80"), 10)]
)
def test_who_knows_no_rates_takes_the_first_and_lives_with_it(models: tuple[str, ...], seconds: int) -> None:
    assert lived(read(line()), center(*models), BLIND) == [(0, seconds)]


@pytest.mark.parametrize("models", [("k80", "v100"), ("v100", "k80"), ("k80", "k80", "v100")])
def test_who_knows_them_takes_the_fastest(models: tuple[str, ...]) -> None:
    assert lived(read(line()), center(*models), AWARE) == [(0, 10)]


def test_it_waits_where_that_ends_sooner() -> None:
    # Ten seconds each on a V100: the sixth would end there after 60, and on the K80 after 50.
    trace = read(*(line() for _ in range(6)))
    assert sorted(lived(trace, center("k80", "v100"), AWARE)) == [
        (0, 10),
        (0, 50),
        (10, 20),
        (20, 30),
        (30, 40),
        (40, 50),
    ]


def test_without_an_objective_it_does_not_wait() -> None:
    trace = read(line(), line())
    assert sorted(lived(trace, center("k80", "v100"), BLIND)) == [(0, 10), (0, 50)]


def test_of_two_that_gain_differently_the_first_has_the_choice() -> None:
    trace = read(line("LM", steps=40), line("ResNet"))
    # The LM takes the V100 for 10 s; the other one waits for it, for it would take 50 on the K80.
    assert lived(trace, center("k80", "v100"), AWARE) == [(0, 10), (10, 20)]


@pytest.mark.parametrize(
    ("watts", "seconds"),
    [
        ({"v100": 300, "k80": 50}, 50),
        ({"v100": 200, "k80": 50}, 10),
        ({"v100": 300}, 10),
        ({"k80": 300}, 50),
    ],
)
def test_energy_is_time_by_draw_and_what_is_not_known_comes_last(watts: dict[str, int], seconds: int) -> None:
    where = center("k80", "v100", watts=watts)
    assert lived(read(line()), where, POLICIES["easy-energy"]) == [(0, seconds)]


def test_energy_does_not_wait() -> None:
    where = center("k80", "v100", watts={"v100": 200, "k80": 50})
    assert lived(read(line(), line()), where, POLICIES["easy-energy"]) == [(0, 10), (0, 50)]


def test_a_trace_that_tells_of_no_models_is_as_ever() -> None:
    trace = replace(read(line(), line("LM")), factors=np.ones((0, 0)), factor_models=())
    assert lived(trace, center("k80", "v100"), AWARE) == lived(trace, center("k80", "v100"), BLIND)


@pytest.mark.parametrize(
    ("prices", "seconds"),
    [
        ({"device_hour": {"v100": 40, "k80": 10}}, 10),
        ({"device_hour": {"v100": 60, "k80": 10}}, 50),
        # Four times as long eats what the cheaper device saves, for what goes with it is paid as well.
        ({"device_hour": {"v100": 60, "k80": 10}, "cpu_hour": 5}, 10),
        ({"device_hour": {"v100": 60}}, 10),
        ({"device_hour": {"k80": 60}}, 50),
        ({"class_hour": {"gpu": 3}}, 10),
        ({"device_hour": {"k80": "0"}, "class_hour": {"gpu": 3.5}}, 50),
    ],
)
def test_cost_is_time_by_price_and_what_has_none_comes_last(prices: dict[str, object], seconds: int) -> None:
    where = replace(
        center("k80", "v100"), prices=from_mapping({"nodes": [{"cpus": 1, "memory": "1GiB"}], "prices": prices}).prices
    )
    assert lived(read(line()), where, POLICIES["easy-cost"]) == [(0, seconds)]


def test_cost_does_not_wait() -> None:
    prices = from_mapping(
        {"nodes": [{"cpus": 1, "memory": "1GiB"}], "prices": {"device_hour": {"v100": 1, "k80": 100}}}
    ).prices
    where = replace(center("k80", "v100"), prices=prices)
    assert lived(read(line(), line()), where, POLICIES["easy-cost"]) == [(0, 10), (0, 50)]


def test_without_prices_nobody_is_cheaper() -> None:
    trace, where = read(line(), line("LM"), line()), center("k80", "v100")
    assert lived(trace, where, POLICIES["easy-cost"]) == lived(trace, where, BLIND)


def test_there_are_three_objectives() -> None:
    assert Policy().pursued() is None
    assert {Policy(objective=name).pursued() for name in ("time", "energy", "cost")} == set(Objective)
    with pytest.raises(NotFoundError):
        Policy(objective="speed").pursued()
