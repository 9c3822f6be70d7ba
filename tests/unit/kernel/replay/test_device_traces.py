"""Reading the traces of device clusters: openb's lists and Gavel's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from suanli.kernel.replay.formats.gavel import read_gavel, read_throughputs
from suanli.kernel.replay.formats.openb import read_nodes, read_tasks
from suanli.kernel.scheduling.core.tables import NEVER
from suanli.model.errors import InvalidRequestError

DATA = Path(__file__).parents[4].parent / "shared" / "data"
SECOND = 1_000_000
TASKS = "name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time"


def text_of(name: str) -> str:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")
    return path.read_text()


def test_equal_neighbours_make_a_group() -> None:
    nodes = "sn,cpu_milli,memory_mib,gpu,model\na,4000,1024,0,\nb,4000,1024,0,\nc,8000,2048,2,T4\nd,4000,1024,0,\n"
    center = read_nodes(nodes)
    assert [group.count for group in center.groups] == [2, 1, 1]
    assert (center.cpu_milli, center.device_share, center.models) == (20_000, 2000, ("T4",))


def test_times_models_and_shares_of_tasks() -> None:
    lines = [
        TASKS,
        "a,500,10,1,460,V100|T4,LS,Running,7,19,9",
        "b,1000,0,0,0,,BE,Failed,5,8,",
        "c,1,1,2,1000,T4,BE,,6,6,6",
    ]
    trace = read_tasks("\n".join(lines))
    assert trace.number.tolist() == [1, 0]
    assert trace.dropped == 1
    assert trace.submitted_us.tolist() == [5 * SECOND, 7 * SECOND]
    assert trace.runtime_us.tolist() == [3 * SECOND, 10 * SECOND]
    assert trace.device_share.tolist() == [1000, 460]
    assert [trace.models[bit] for bit in range(2) if trace.device_models[1] >> bit & 1] == ["V100", "T4"]
    assert [trace.queues[code] for code in trace.queue] == ["BE", "LS"]


def test_tasks_without_times_do_not_end() -> None:
    trace = read_tasks("name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,500,10,1,460\n")
    assert (trace.submitted_us[0], trace.runtime_us[0]) == (0, NEVER)


@pytest.mark.parametrize("damage", ["a,b", "a,x,10,1,460"])
def test_a_damaged_task_is_named(damage: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        read_tasks(f"name,cpu_milli,memory_mib,num_gpu,gpu_milli\na,500,10,1,460\n{damage}\n")
    assert caught.value.field == "lines.3"


def test_a_missing_column_is_named() -> None:
    with pytest.raises(InvalidRequestError, match="gpu_milli"):
        read_tasks("name,cpu_milli,memory_mib,num_gpu\n")


def test_the_real_center() -> None:
    center = read_nodes(text_of("traces/openb/openb_node_list_all_node.csv"))
    assert (center.nodes, center.device_share) == (1523, 6_212_000)
    assert len(center.models) == 7


@pytest.mark.parametrize(
    ("name", "jobs"),
    [("default", 8152), ("cpu050", 7439), ("gpushare40", 8152), ("gpuspec20", 8152), ("multigpu30", 8508)],
)
def test_real_task_lists(name: str, jobs: int) -> None:
    trace = read_tasks(text_of(f"traces/openb/openb_pod_list_{name}.csv"))
    assert len(trace) + trace.dropped == jobs


def gavel_line(job: str = "A", steps: str = "100", scale: str = "2", arrival: str = "1.5") -> str:
    return f"{job}\tpython3 x\tfolder\t-n\t1\t{steps}\t{scale}\t1\t-1.000000\t{arrival}"


def test_steps_become_time_on_the_model_named() -> None:
    rates = read_throughputs({"v100": {"('A', 2)": {"null": 10.0}}, "k80": {"('A', 2)": {"null": 2.0}}})
    for model, seconds in (("v100", 10), ("k80", 50)):
        trace = read_gavel(gavel_line(), rates, model)
        assert trace.runtime_us.tolist() == trace.requested_us.tolist() == [seconds * SECOND]
        assert (trace.tasks[0], trace.device_count[0], trace.submitted_us[0]) == (2, 1, 1_500_000)
        assert trace.applications == ("A x2",)


@pytest.mark.parametrize(
    "damage", ["a\tb", gavel_line(job="B"), gavel_line(steps="x"), gavel_line(scale="4"), gavel_line(arrival="nan")]
)
def test_a_damaged_gavel_line_is_named(damage: str) -> None:
    rates = read_throughputs({"v100": {"('A', 2)": {"null": 10.0}}})
    with pytest.raises(InvalidRequestError) as caught:
        read_gavel(f"{gavel_line()}\n{damage}", rates, "v100")
    assert caught.value.field == "lines.2"


@pytest.mark.parametrize(("name", "jobs"), [("max_min_fairness", 96), ("minimize_makespan", 100)])
def test_real_gavel_traces(name: str, jobs: int) -> None:
    rates = read_throughputs(json.loads(text_of("gavel/simulation_throughputs.json")))
    assert len(read_gavel(text_of(f"gavel/{name}.trace"), rates, "v100")) == jobs
