"""A whole private Slurm: munge, MariaDB, slurmdbd, slurmctld and virtual nodes, on loopback, in a folder of its own.

It needs no systemd and touches nothing but its own folder and its own processes. Every switch that costs Slurm time is
set in Slurm's favour: MariaDB does not flush at each commit, scheduling is not delayed, debugging is off. What Suanli
does for each run too stays on: accounting in a database, cpu time and peak memory measured.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.rig.processes import Tree, free_ports, wait_until

PACKAGES = ("slurm-wlm", "slurmdbd", "munge", "mariadb-server")
PROGRAMS = ("sbatch", "srun", "slurmctld", "slurmd", "slurmdbd", "munged", "mariadbd", "mariadb-install-db")
NODES = 4
CPUS_PER_NODE = 16
MEMORY_PER_CPU_MB = 64
"""What a job holds for each cpu unless it says otherwise: without a bound one job takes its node's whole memory."""


def why_not() -> str:
    """One line on why no Slurm can be brought up here, empty when one can; what is missing is installed first."""
    if os.geteuid() != 0:
        return "Slurm's daemons change accounts, so the peer needs root"
    if missing() and shutil.which("apt-get"):
        # RUNLEVEL tells Debian's packages not to start services: this Slurm is private, and so is its database.
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
        for words in (("update",), ("install", "-y", "--no-install-recommends", *PACKAGES)):
            subprocess.run(["apt-get", "-q", *words], check=False, stdout=subprocess.DEVNULL, env=quiet)
    lacking = missing()
    return f"not installed: {' '.join(lacking)} (Debian: {' '.join(PACKAGES)})" if lacking else ""


@contextmanager
def peer() -> Iterator[Slurm | None]:
    """The Slurm to measure beside us, or None after a line that says why there is none."""
    obstacle = "SUANLI_BENCH_PEER=no" if os.environ.get("SUANLI_BENCH_PEER") == "no" else why_not()
    if obstacle:
        print(f"peer left out: {obstacle}")
        yield None
        return
    with slurm() as cluster:
        print(f"peer: {cluster.ask('sinfo', '--version').strip()}, {NODES} virtual nodes of {CPUS_PER_NODE} cpus")
        yield cluster


def missing() -> list[str]:
    """The programs of a whole Slurm that this machine lacks."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


@dataclass(frozen=True, slots=True)
class Slurm:
    """A running cluster. ``environment`` is what its clients need to find it."""

    root: Path
    environment: dict[str, str]
    tree: Tree

    def ask(self, *words: str) -> str:
        """Run a client and return what it says.

        Raises:
            subprocess.CalledProcessError: it failed.
        """
        done = subprocess.run(words, env=self.environment, cwd=self.root, check=True, capture_output=True, text=True)
        return done.stdout

    def at_once(self, submitters: int, each: int, words: Sequence[str]) -> float:
        """Run ``words`` ``each`` times, one after the other, in each of ``submitters`` shells; return the seconds.

        A bare shell loop is the cheapest submitter there is: it costs the daemons less processor than Python would.
        """
        loop = 'n=$1; shift; while [ "$n" -gt 0 ]; do "$@" >/dev/null || exit 1; n=$((n-1)); done'
        command = ["/bin/sh", "-c", loop, "sh", str(each), *words]
        began = time.perf_counter()
        shells = [subprocess.Popen(command, env=self.environment, cwd=self.root) for _ in range(submitters)]
        codes = [shell.wait() for shell in shells]
        if any(codes):
            raise RuntimeError(f"{' '.join(words)} failed: exit codes {codes}")
        return time.perf_counter() - began

    def drain(self) -> None:
        """Cancel everything and wait until nothing is left."""
        self.ask("scancel", "--user=root")
        wait_until(self.empty, 120, "Slurm's queue to be empty")

    def empty(self) -> bool:
        """Whether no job waits or runs."""
        return not self.ask("squeue", "--noheader", "--format=%i")

    def completed(self) -> int:
        """Jobs on record as completed."""
        words = ("sacct", "--noheader", "--allocations", "--allusers", "--state=CD", "--format=JobID")
        return len(self.ask(*words, "--starttime=now-1day", "--endtime=now").splitlines())


@contextmanager
def slurm() -> Iterator[Slurm]:
    """A cluster of four virtual nodes with sixteen cpus each, up and idle; all of it is gone afterwards."""
    with ExitStack() as stack:
        root = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="suanli-slurm-", ignore_cleanup_errors=True))
        )
        # Daemons of four accounts pass through here; what is secret lies in folders and files of its owner alone.
        root.chmod(0o711)
        tree = stack.enter_context(Tree(root / "log"))
        environment = {**os.environ, "SLURM_CONF": str(root / "slurm.conf")}
        cluster = Slurm(root, environment, tree)
        ports = iter(free_ports(3 + NODES))
        _munge(root, tree)
        database, password = next(ports), secrets.token_hex(24)
        _mariadb(root, tree, database, password)
        controller, accounting = next(ports), next(ports)
        _configure_slurmdbd(root, accounting, database, password)
        _configure(root, controller, accounting, list(ports))
        _daemons(cluster)
        # Registered last, so it comes first: jobs end before the daemons that watch over them.
        stack.callback(cluster.drain)
        yield cluster


def _munge(root: Path, tree: Tree) -> None:
    room = _room(root / "munge", "munge", 0o711)
    _write(room / "key", secrets.token_bytes(128), "munge", 0o400)
    words = ["munged", "--foreground", "--force", f"--key-file={room / 'key'}", f"--socket={room / 'socket'}"]
    words += [f"--{name}-file={room / name}" for name in ("pid", "log", "seed")]
    tree.start("munged", words, account="munge")
    wait_until((room / "socket").exists, 20, "munged")


def _mariadb(root: Path, tree: Tree, port: int, password: str) -> None:
    room = _room(root / "mariadb", "mysql", 0o700)
    install = ["mariadb-install-db", "--no-defaults", "--user=mysql", f"--datadir={room}", "--skip-test-db"]
    # The data folder is the database's alone, its clients of this program are root: a socket beside it will do.
    subprocess.run([*install, "--auth-root-authentication-method=socket"], check=True, capture_output=True)
    words = ["mariadbd", "--no-defaults", f"--datadir={room}", f"--socket={room / 'socket'}", f"--port={port}"]
    words += ["--bind-address=127.0.0.1", "--innodb-buffer-pool-size=256M", "--innodb-flush-log-at-trx-commit=0"]
    tree.start("mariadbd", [*words, "--skip-log-bin", "--skip-name-resolve"], account="mysql")
    client = ["mariadb", "--no-defaults", f"--socket={room / 'socket'}"]
    alive = ["mariadb-admin", "--no-defaults", f"--socket={room / 'socket'}", "ping"]
    wait_until(lambda: subprocess.run(alive, capture_output=True, check=False).returncode == 0, 30, "MariaDB")
    grant = (
        "create database slurm_acct_db;"
        f"create user 'slurm'@'127.0.0.1' identified by '{password}';"
        "grant all on slurm_acct_db.* to 'slurm'@'127.0.0.1';"
    )
    subprocess.run(client, input=grant, text=True, check=True, capture_output=True)


def _configure_slurmdbd(root: Path, port: int, database: int, password: str) -> None:
    text = f"""
AuthType=auth/munge
AuthInfo=socket={root}/munge/socket
DbdHost=localhost
DbdAddr=127.0.0.1
DbdPort={port}
SlurmUser=slurm
PidFile={root}/slurm/slurmdbd.pid
LogFile={root}/slurm/slurmdbd.log
DebugLevel=error
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={database}
StorageUser=slurm
StoragePass={password}
StorageLoc=slurm_acct_db
"""
    _room(root / "slurm", "slurm", 0o711)
    _write(root / "slurmdbd.conf", text.encode(), "slurm", 0o600)


def _configure(root: Path, controller: int, accounting: int, nodes: list[int]) -> None:
    host = socket.gethostname().partition(".")[0]
    text = f"""
ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmUser=slurm
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={root}/munge/socket
CredType=cred/munge
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={root}/slurm
SlurmdSpoolDir={root}/spool-%n
SlurmctldPidFile={root}/slurm/slurmctld.pid
SlurmdPidFile={root}/slurmd-%n.pid
SlurmctldLogFile={root}/slurm/slurmctld.log
SlurmdLogFile={root}/slurmd-%n.log
SlurmctldDebug=error
SlurmdDebug=error
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
MpiDefault=none
SwitchType=switch/none
DefMemPerCPU={MEMORY_PER_CPU_MB}
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,default_queue_depth=500,bf_interval=5
PriorityType=priority/multifactor
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={accounting}
AccountingStoragePass={root}/munge/socket
MaxJobCount=200000
MaxArraySize=10001
MinJobAge=10
SlurmdParameters=config_overrides
KillWait=2
PartitionName=batch Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
    shape = f"CPUs={CPUS_PER_NODE} RealMemory=64000 State=UNKNOWN"
    for number, port in enumerate(nodes, start=1):
        text += f"NodeName=node{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} {shape}\n"
    _write(root / "slurm.conf", text.encode(), "root", 0o644)


def _daemons(cluster: Slurm) -> None:
    tree, environment = cluster.tree, cluster.environment
    tree.start("slurmdbd", ["slurmdbd", "-D"], account="slurm", environment=environment)
    wait_until(lambda: _answers(cluster, "sacctmgr", "-n", "show", "cluster"), 30, "slurmdbd")
    cluster.ask("sacctmgr", "-i", "add", "cluster", "bench")
    tree.start("slurmctld", ["slurmctld", "-D", "-c"], account="slurm", environment=environment)
    wait_until(lambda: _answers(cluster, "scontrol", "ping"), 30, "slurmctld")
    for number in range(1, NODES + 1):
        name = f"node{number}"
        tree.start(f"slurmd-{name}", ["slurmd", "-D", "-N", name], account="root", environment=environment)
    idle = ("sinfo", "--noheader", "--Node", "--states=idle", "--format=%N")
    wait_until(lambda: len(cluster.ask(*idle).split()) == NODES, 60, "all nodes to be idle")


def _answers(cluster: Slurm, *words: str) -> bool:
    return subprocess.run(words, env=cluster.environment, check=False, capture_output=True).returncode == 0


def _room(path: Path, account: str, mode: int) -> Path:
    path.mkdir(mode=mode)
    entry = pwd.getpwnam(account)
    os.chown(path, entry.pw_uid, entry.pw_gid)
    return path


def _write(path: Path, content: bytes, account: str, mode: int) -> None:
    entry = pwd.getpwnam(account)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        os.fchown(descriptor, entry.pw_uid, entry.pw_gid)
        os.fchmod(descriptor, mode)
