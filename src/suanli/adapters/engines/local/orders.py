"""From an order to the plan of its run: command, environment, limits. Policy only; nothing is touched here."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from suanli.adapters.engines.local.accounts import Account
from suanli.adapters.engines.local.cgroups import Cgroups
from suanli.adapters.engines.local.devices import Binding
from suanli.adapters.engines.local.isolation import Sandbox
from suanli.adapters.engines.local.layout import Layout
from suanli.adapters.engines.local.records import Record
from suanli.model.ids import NodeName
from suanli.model.quantities import WHOLE_CPU
from suanli.model.spec import InputArtifact, Launcher
from suanli.ports.engine import LimitEnforcement, RunOrder, Stream

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_GRACE_MS = 10_000
_PROCESSES = 16_384
_DATA_SLACK_BYTES = 4 << 30
# The kernel should take a workload before it takes the server.
_OOM_SCORE = 500
# A fixed text: what it handles arrives as words, so nothing of a user's is ever parsed as shell.
_PLACE_INPUTS = """
while [ "$1" != -- ]; do
  case $2 in */*) mkdir -p -- "${2%/*}" || exit 125 ;; esac
  [ -e "$2" ] || ln -s -- "$1" "$2" 2>/dev/null || [ -L "$2" ]
  [ -e "$2" ] || { echo "suanli: input $1 is not there" >&2; exit 125; }
  shift 2
done
shift
exec "$@"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What this machine offers to every plan; found out once."""

    node: NodeName
    layout: Layout
    hidden: Path
    cgroups: Cgroups
    sandbox: Sandbox
    output_cap_bytes: int


def plan_records(
    order: RunOrder,
    *,
    machine: Machine,
    account: Account,
    cpus: Sequence[int],
    binding: Binding,
    port: int,
) -> list[Record]:
    """The run's plan. ``cpus`` pins it (empty: it does not), ``port`` is free for torchrun's rendezvous.

    ``binding`` is what its programs are told of devices, of which the order's own environment cannot say otherwise, and
    whose files are kept from them.
    """
    layout = machine.layout
    records: list[Record] = [
        ("directory", working_directory(order, layout)),
        ("stdout", Stream.STDOUT),
        ("stderr", Stream.STDERR),
        ("append", 1),
        ("output_cap_bytes", machine.output_cap_bytes),
        ("umask", "077"),
        ("no_new_privs", int(account.uid != 0)),
        ("oom_score_adj", _OOM_SCORE),
        ("time_limit_ms", order.time_limit_s * 1000),
        ("grace_ms", _GRACE_MS),
        ("doorbell", f"../{layout.bell}"),
        *(("cpu", cpu) for cpu in cpus),
        *_limits(order, machine.cgroups),
    ]
    if account.switched:
        records += [("uid", account.uid), ("gid", account.gid), *(("group", group) for group in account.groups)]
    common = _environment(order, machine, account, len(cpus)) | dict(binding.environment)
    records += [("env", f"{name}={value}") for name, value in common.items()]
    records += [("arg", word) for word in _command(order, machine)]
    records += machine.sandbox.records(
        hidden=machine.hidden,
        own=[
            layout.scratch(order.run),
            *([layout.script(order.run)] if order.script else []),
            *map(Path, binding.files),
        ],
        private_tmp=layout.private_tmp(order.run),
        asked=[account.home, order.working_directory or "/", *(item.source for item in order.inputs)],
        shared_memory=order.tasks > 1 and order.launcher is not Launcher.MPI,
        masked=binding.masked,
    )
    for what, words in binding.steps.items():
        records += [("step", what), *(("arg", word) for word in words)]
    return [*records, *_tasks(order, port)]


def working_directory(order: RunOrder, layout: Layout) -> str:
    """Where the run works: the folder its spec names, else its scratch folder."""
    return order.working_directory or str(layout.scratch(order.run))


def _limits(order: RunOrder, cgroups: Cgroups) -> list[Record]:
    cpu_milli, memory_bytes = order.allocation.cpu_milli, order.allocation.memory_bytes
    records: list[Record] = [("limit", "CORE=0")]
    if cgroups.enforcement is not LimitEnforcement.RESOURCE_LIMITS:
        bounds = cgroups.records(order.run, cpu_milli=cpu_milli, memory_bytes=memory_bytes, processes=_PROCESSES)
        return [*records, *bounds]
    # Address space would bound what runtimes merely reserve (Go, JVM, CUDA). Data counts what a process may write, and
    # numerical runtimes map several times what they touch; the slack stops a runaway and no honest program.
    return [*records, ("limit", f"DATA={2 * memory_bytes + _DATA_SLACK_BYTES}")]


def _environment(order: RunOrder, machine: Machine, account: Account, pinned: int) -> dict[str, str]:
    cpu_milli = order.resources.cpu_milli
    environment = {
        "PATH": _PATH,
        "HOME": account.home,
        "USER": account.name,
        "LOGNAME": account.name,
        "SHELL": account.shell,
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": str(max(1, cpu_milli // WHOLE_CPU)),
    }
    if order.launcher is Launcher.MPI:
        environment |= _mpi_environment(root=account.uid == 0)
    environment |= order.environment
    environment |= {
        "SUANLI_RUN_ID": order.run,
        "SUANLI_WORKLOAD_ID": str(order.workload),
        "SUANLI_ATTEMPT": str(order.attempt),
        "SUANLI_OWNER": order.owner,
        "SUANLI_NAME": order.name,
        "SUANLI_KIND": order.kind,
        "SUANLI_NODE": machine.node,
        "SUANLI_TASKS": str(order.tasks),
        "SUANLI_ALTERNATIVE": str(order.alternative),
        "SUANLI_CPU_MILLI": str(cpu_milli),
        "SUANLI_PINNED_CPUS": str(pinned),
        "SUANLI_MEMORY_BYTES": str(order.resources.memory_bytes),
        "SUANLI_DISK_BYTES": str(order.resources.disk_bytes),
        "SUANLI_SCRATCH": str(machine.layout.scratch(order.run)),
    }
    if order.array_size:
        environment |= {
            "SUANLI_ARRAY_ID": str(order.array_id),
            "SUANLI_ARRAY_INDEX": str(order.array_index),
            "SUANLI_ARRAY_SIZE": str(order.array_size),
        }
    return environment


def _mpi_environment(*, root: bool) -> dict[str, str]:
    """MPICH's Hydra starts ranks by fork here; Open MPI would refuse more ranks than cores, and root altogether.

    Names: MPICH hydra "Environment Settings"; Open MPI orterun/prterun manuals.
    """
    environment = {
        "HYDRA_LAUNCHER": "fork",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    }
    if root:
        environment |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    return environment


def _command(order: RunOrder, machine: Machine) -> list[str]:
    words = [str(machine.layout.script(order.run))] if order.script else list(order.command)
    if order.launcher is Launcher.MPI:
        words = ["mpiexec", "-n", str(order.tasks), *words]
    if order.inputs:
        words = ["/bin/sh", "-c", _PLACE_INPUTS, "suanli-inputs", *_pairs(order.inputs), "--", *words]
    return words


def _pairs(inputs: Sequence[InputArtifact]) -> list[str]:
    """Source and target of each; a target is written so that it can be neither an option nor the end mark."""
    return [word for item in inputs for word in (item.source, os.path.join(".", item.target))]  # noqa: PTH118 - Path drops ./


def _tasks(order: RunOrder, port: int) -> list[Record]:
    count = 1 if order.launcher is Launcher.MPI else order.tasks
    records: list[Record] = []
    for rank in range(count):
        environment: Mapping[str, str | int] = {"SUANLI_RANK": rank, "SUANLI_LOCAL_RANK": rank} if count > 1 else {}
        if order.launcher is Launcher.TORCHRUN:
            environment = {**environment, **_torchrun(rank, count, port)}
        records += [("task", rank), *(("env", f"{name}={value}") for name, value in environment.items())]
    return records


def _torchrun(rank: int, count: int, port: int) -> dict[str, str | int]:
    """What torchrun sets for one node (PyTorch, torch.distributed.run, "Environment Variables")."""
    return {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "GROUP_RANK": 0,
        "ROLE_RANK": rank,
        "WORLD_SIZE": count,
        "LOCAL_WORLD_SIZE": count,
        "ROLE_WORLD_SIZE": count,
        "GROUP_WORLD_SIZE": 1,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": port,
    }
