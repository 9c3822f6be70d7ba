"""Qualities of service by chance."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from suanli.model.ids import QosName
from suanli.model.quota import Quota, QuotaScope
from suanli.model.spec import NORMAL, WorkloadSpec
from tests.unit.kernel.scheduling.center import GIB, Center

NAMES = (NORMAL, QosName("fast"), QosName("idle"))


class Qualities:
    """Of some centers: what work has which, what each is, and quotas of theirs."""

    def __init__(self, seed: int) -> None:
        self._chance = Random(seed) if seed % 4 == 2 else None

    def given(self, spec: WorkloadSpec) -> WorkloadSpec:
        return spec if self._chance is None else replace(spec, qos=self._chance.choice(NAMES))

    def change(self, center: Center) -> None:
        """Let one be otherwise, or a quota of one."""
        chance = self._chance
        if chance is None or chance.random() > 0.15:
            return
        name = chance.choice(NAMES)
        if chance.random() < 0.3:
            scope = chance.choice([QuotaScope.QOS, QuotaScope.QOS_USER])
            most = chance.choice([{}, {}, {"runs": 1}, {"cpu_milli": 3000}, {"memory_bytes": 5 * GIB}])
            center.set_quota(Quota(scope=scope, name=name, **most))
        else:
            center.set_qos(name, chance.randint(-1, 2), preemptible=chance.random() < 0.4)
