"""Rates that finished work reached, by job class and device model: what expected times go by where there are any."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from suanli.model.ids import ProjectName, UserName
from suanli.model.quantities import BILLION, TRILLION
from suanli.model.spec import WorkloadSpec

EFFICIENCY = 0.35
"""The part of its nominal rate that a device is expected to reach with work of which nothing was measured on it.

Of large trainings 21 to 46 % (Chowdhery et al., "PaLM", arXiv:2204.02311, table 3) and 38 to 43 % (Llama Team, "The
Llama 3 herd of models", arXiv:2407.21783, table 4).
"""


class JobClass(NamedTuple):
    """Work taken to be alike: an application's, else an owner's in a project by one name; in the same precisions."""

    application: str
    project: ProjectName
    owner: UserName
    name: str
    precisions: str
    """In order, with ``+`` between them."""


def class_of(spec: WorkloadSpec, owner: UserName) -> JobClass:
    """The class of the work of a spec, which must name its project."""
    precisions = "+".join(sorted(spec.work))
    if spec.application:
        return JobClass(spec.application, ProjectName(""), UserName(""), "", precisions)
    return JobClass("", spec.project, owner, spec.name, precisions)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedRate:
    """What ``runs`` finished runs of a job class did on devices of one model, each counted less with each later one.

    ``work`` is in 10^12 operations, ``device_ms`` whole devices times milliseconds. With an application, project, owner
    and name are empty.
    """

    application: str
    project: ProjectName
    owner: UserName
    name: str
    precisions: str
    model: str
    runs: int = 0
    work: int = 0
    device_ms: int = 0
    generation: int = 0

    @property
    def job_class(self) -> JobClass:
        """Whose rate it is."""
        return JobClass(self.application, self.project, self.owner, self.name, self.precisions)

    @property
    def rate(self) -> float:
        """10^9 operations a second of one device."""
        return self.work * (TRILLION / BILLION) * 1000 / self.device_ms


Measured = Mapping[tuple[JobClass, str], LearnedRate]
"""Learned rates by job class and device model."""
