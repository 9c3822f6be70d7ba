"""Report progress every quarter of a second for an hour: work that a short time limit must cut, keeping what it said.

The first argument, if any, is how many seconds to go on.
"""

from __future__ import annotations

import sys
import time

INTERVAL_S = 0.25


def main() -> None:
    """Say how far it is until the time is over."""
    total = int(float(sys.argv[1] if len(sys.argv) > 1 else 3600) / INTERVAL_S)
    for step in range(1, total + 1):
        time.sleep(INTERVAL_S)
        print(f"step {step} of {total}", flush=True)


if __name__ == "__main__":
    main()
