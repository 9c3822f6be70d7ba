"""Run by the Python of .peers: replay a log with AccaSim's EASY and print the seconds of processor time."""

from __future__ import annotations

import collections
import collections.abc
import json
import sys
import time
from pathlib import Path

# AccaSim asks for a name that Python moved in 3.10.
collections.Mapping = collections.abc.Mapping  # type: ignore[attr-defined]

from accasim.base.allocator_class import FirstFit  # noqa: E402
from accasim.base.scheduler_class import EASYBackfilling  # noqa: E402
from accasim.base.simulator_class import Simulator  # noqa: E402


def main() -> None:
    """Arguments: log, nodes, processors of each, a folder for what it writes."""
    log, nodes, processors, folder = sys.argv[1:]
    system = Path(folder) / "system.json"
    description = {
        "groups": {"all": {"core": int(processors), "mem": 10**12}},
        "resources": {"all": int(nodes)},
        "equivalence": {"processor": {"core": 1}},
        "start_time": 0,
    }
    system.write_text(json.dumps(description), encoding="utf-8")
    began = time.process_time()
    simulator = Simulator(
        log,
        str(system),
        EASYBackfilling(FirstFit()),
        scheduling_output=False,
        statistics_output=False,
        show_statistics=False,
        RESULTS_FOLDER_NAME="results",
    )
    simulator.start_simulation()
    print(time.process_time() - began)


if __name__ == "__main__":
    main()
