"""Random centers lived through in a process of its own with the linked kernel, which cannot be left again.

Run as a module with the path of the library and seeds; prints the plans.
"""

import sys

from suanli.kernel.scheduling.core.jit import link


def lived(seed: int) -> list[str]:
    """The plan after every step of a random center's life; each is judged as it is made."""
    from tests.unit.kernel.scheduling.test_at_random import STEPS, Life  # noqa: PLC0415  only once it is linked

    life, plans = Life(seed), []
    for _ in range(STEPS):
        life.step()
        plan = life.center.plan()
        decided = (plan.placements, plan.preemptions, plan.reservations, [*plan.refusals], plan.complete)
        plans.append(repr(decided))
    return plans


if __name__ == "__main__":
    link(sys.argv[1])
    for seed in sys.argv[2:]:
        sys.stdout.writelines(f"{plan}\n" for plan in lived(int(seed)))
    assert "numba" not in sys.modules
