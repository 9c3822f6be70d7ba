"""What holds for every test: examples are not raced against a clock; a marker skips what cannot run here."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from suanli.wiring.compiled import keep_compiled

keep_compiled()
# A shared machine's pauses are no fault of the code under test.
settings.register_profile("house", deadline=None)
# For who asks only whether something fails, and not for the smallest example of it.
settings.register_profile("unshrunk", deadline=None, max_examples=30, phases=(Phase.explicit, Phase.generate))
settings.load_profile(os.environ.get("SUANLI_HYPOTHESIS", "house"))


def unmet() -> dict[str, str]:
    """Return the markers whose need this machine does not meet, each with the reason shown for the skip."""
    here = {
        "postgres": bool(shutil.which("initdb") or list(Path("/usr/lib/postgresql").glob("*/bin/initdb"))),
        "slurm": bool(shutil.which("slurmctld")),
        "root": os.geteuid() == 0,
    }
    reasons = {"postgres": "PostgreSQL is not installed", "slurm": "Slurm is not installed", "root": "not run as root"}
    return {marker: reasons[marker] for marker, met in here.items() if not met}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for marker, reason in unmet().items():
        for item in items:
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
