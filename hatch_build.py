"""Put the compiled supervisor into the wheel, and name the wheel for the machine it was compiled for."""

import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent / "scripts"))
import supervisor


class SupervisorHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compile the supervisor for a real wheel; an editable install takes the one `make` compiled."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        words = supervisor.compiler()
        if words is None:
            message = "building Suanli needs a C compiler (or ziglang beside the build backend)"
            raise RuntimeError(message)
        supervisor.build(words)
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-" + sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["artifacts"].append(str(supervisor.BINARY.relative_to(supervisor.ROOT)))
