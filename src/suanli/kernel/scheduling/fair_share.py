"""Who is owed how much: what projects and their members held of late, against their shares, as waiting time.

A project's share of the center is its part of the shares of all projects that are active, a member's is an equal part
of the project's; so what the idle do not use is there for the others. What one held is the largest, over processors,
memory and devices, of the part of the center held (the dominant share of Ghodsi et al., NSDI 2011), averaged over the
past with a weight that halves with every half-life. The factor is 2 ** -(held / share), as in Slurm's classic fair
share: 1 for who held nothing, 1/2 for who held just the share, towards 0 beyond.

Factors are worth waiting time: work goes before other work of its standing as if it had been waiting for the credit as
well. Hence nobody starves: who waits longer than all credits together goes first, whatever was held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from math import exp2

from suanli.kernel.scheduling.demand import Demand
from suanli.model.ids import NodeName, ProjectName, QosName, RunId, UserName
from suanli.model.qos import WHOLE_FACTOR, Qos
from suanli.model.quantities import WHOLE_CPU, WHOLE_DEVICE, Instant
from suanli.model.quota import Amounts
from suanli.model.resources import Node
from suanli.model.spec import NORMAL
from suanli.model.tenancy import Project
from suanli.model.usage import DAY_US, MIB_MS, UsageDay
from suanli.model.workload import Run

Account = tuple[ProjectName, UserName]
"""A user in one project."""

_Parts = tuple[float, float, float]
"""Processors, memory and devices, in parts of the center; or amounts of each, before they are divided by it."""

_GRAIN_S = 60
"""Credits are whole minutes, so that the queue is put in order anew only when they have changed by as much."""
_PAST_HALF_LIVES = 10
"""What lies further back counts less than a thousandth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareWeights:
    """Seconds of waiting that a factor of 1 is worth, of projects and of members; with both 0 nothing is owed.

    ``size_s`` is what asking for all of the center is worth, and for a part of it that part: wide work waits longer.
    """

    project_s: int = 0
    member_s: int = 0
    size_s: int = 0
    deadline_s: int = 0
    """What having to start right now to be in time is worth; each second that it may start later, one less."""
    half_life_s: int = 7 * 86_400

    @property
    def count(self) -> bool:
        """Whether anything held, or asked for, makes a difference."""
        return max(self.project_s, self.member_s, self.size_s, self.deadline_s) > 0

    def first_day(self, now: Instant) -> int:
        """The earliest day whose usage counts."""
        return max((now - _PAST_HALF_LIVES * self.half_life_s * 1_000_000) // DAY_US, 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """A project's, or a member's: the share and what was held of late, both in parts of the center."""

    share: float
    held: float

    @property
    def factor(self) -> float:
        """From 1 where nothing was held towards 0; 0 where nothing may be expected."""
        return exp2(-self.held / self.share) if self.share > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standings:
    """Of all projects, and of all members, that held something of late, hold something, or wait."""

    weights: ShareWeights = ShareWeights()
    projects: Mapping[ProjectName, Standing]
    members: Mapping[Account, Standing]
    capacity: tuple[int, int, int] = (1, 1, 1)
    """Milli-cpus, bytes and thousandths of devices of the center, each at least 1."""

    def size_credit_s(self, asked: Amounts) -> int:
        """Seconds of waiting that work which asks for so much has ahead."""
        if not self.weights.size_s:
            return 0
        wanted = (asked.cpu_milli, asked.memory_bytes, asked.device_share)
        part = max(amount / there for amount, there in zip(wanted, self.capacity, strict=True))
        return round(self.weights.size_s * min(part, 1.0) / _GRAIN_S) * _GRAIN_S

    def credit_s(self, project: ProjectName, owner: UserName) -> int:
        """Seconds of waiting that work has ahead; who is not among them held nothing."""
        of_project, of_member = self.projects.get(project), self.members.get((project, owner))
        credit = self.weights.project_s * (1.0 if of_project is None else of_project.factor)
        credit += self.weights.member_s * (1.0 if of_member is None else of_member.factor)
        return round(credit / _GRAIN_S) * _GRAIN_S


NOBODY_OWED = Standings(projects={}, members={})
"""Where nothing is counted: the order is that of arrival."""


class Owed:
    """From when on work counts as waiting, by the standings that were told last."""

    def __init__(self) -> None:
        self._standings = NOBODY_OWED
        self._credits: dict[Account, int] = {}

    def take(self, standings: Standings, waiting: Iterable[Account]) -> bool:
        """Go by these standings; tell whether any of those who wait is owed otherwise than before."""
        resized = standings.weights.size_s > 0 and standings.capacity != self._standings.capacity
        self._standings, before, self._credits = standings, self._credits, {}
        return any(before.get(account) != self._credit_s(account) for account in waiting) or resized

    def since(self, at: Instant, account: Account, demand: Demand, latest: int) -> int:
        """When work that came at an instant would have come, had it waited for what it is owed as well.

        ``latest`` is until when it must start to be in time.
        """
        owed_s = self._credit_s(account) + self._standings.size_credit_s(demand.asked)
        weight_s = self._standings.weights.deadline_s
        hurried = latest - weight_s * 1_000_000 if weight_s else at
        return min(at, hurried) - owed_s * 1_000_000

    def copied(self) -> Owed:
        """As it is now, and on its own from then on."""
        other = Owed()
        other._standings, other._credits = self._standings, dict(self._credits)
        return other

    def _credit_s(self, account: Account) -> int:
        credit = self._credits.get(account)
        if credit is None:
            credit = self._credits[account] = self._standings.credit_s(*account)
        return credit


class Past:
    """What ended runs held, worked down as time goes on: one more costs the same however much lies behind it.

    The same average as of single days: whatever a day before this one weighs now, it weighs half of after a half-life,
    and so does the sum of all such days. Time must not go back.
    """

    def __init__(self, half_life_s: int) -> None:
        self._half_life_us = half_life_s * 1_000_000
        self._today = 0
        self._sums: dict[Account, _Parts] = {}
        """Of all days before this one, as they weigh when it begins."""
        self._of_today: dict[Account, _Parts] = {}

    def add(self, day: UsageDay) -> None:
        """A run has ended that held so much on a day, which is not to come yet."""
        self._begin(day.day)
        account, parts = (day.project, day.owner), _held_on(day)
        if day.day == self._today:
            _add(self._of_today, account, parts, 1.0)
        else:
            _add(self._sums, account, parts, self._weight(day.day, DAY_US, self._today * DAY_US))

    def held(self, now: Instant) -> Iterator[tuple[Account, _Parts, float]]:
        """What was held by accounts, as sums and what they weigh."""
        self._begin(now // DAY_US)
        passed = now - self._today * DAY_US
        worked_down = exp2(-passed / self._half_life_us)
        yield from ((account, parts, worked_down) for account, parts in self._sums.items())
        if passed > 0:
            weight = self._weight(self._today, passed, now)
            yield from ((account, parts, weight) for account, parts in self._of_today.items())

    def _begin(self, today: int) -> None:
        """Let another day have begun, if it has."""
        if today <= self._today:
            return
        weight = exp2((self._today - today) * DAY_US / self._half_life_us)
        self._sums = {account: (a * weight, b * weight, c * weight) for account, (a, b, c) in self._sums.items()}
        weight = self._weight(self._today, DAY_US, today * DAY_US)
        for account, parts in self._of_today.items():
            _add(self._sums, account, parts, weight)
        self._today, self._of_today = today, {}

    def _weight(self, day: int, length_us: int, now: int) -> float:
        """What an amount held evenly for so long from the beginning of a day on weighs at an instant."""
        begin, half_life = day * DAY_US, self._half_life_us
        return (exp2((begin + length_us - now) / half_life) - exp2((begin - now) / half_life)) / length_us


@dataclass(frozen=True, slots=True)
class _Running:
    account: Account
    cpu_milli: int
    memory_bytes: int
    device_share: int
    since: Instant
    qos: QosName


class FairShare:
    """What runs hold now and may be expected, kept up with the facts; the sums are made when somebody asks."""

    def __init__(self, weights: ShareWeights) -> None:
        self.weights = weights
        self._running: dict[RunId, _Running] = {}
        self._shares: dict[ProjectName, int] = {}
        self._factors: dict[QosName, float] = {}
        """What an hour counts for, by quality of service; 1 where that is not told."""
        self._nodes: dict[NodeName, tuple[int, int, int]] = {}
        self._there = [0, 0, 0]

    def set_node(self, node: Node) -> None:
        """A node is there, or is otherwise than before; the center is all of them, in service or not."""
        before = self._nodes.get(node.name, (0, 0, 0))
        self._nodes[node.name] = now = (node.cpu_milli, node.memory_bytes, WHOLE_DEVICE * len(node.devices))
        self._there = [there + amount - former for there, amount, former in zip(self._there, now, before, strict=True)]

    def set_projects(self, projects: Iterable[Project]) -> None:
        """Who may expect how much; a project that was never set has one share."""
        self._shares = {project.name: project.shares for project in projects}

    def set_qos(self, qos: Qos) -> None:
        """What all usage of a quality of service counts for, past and present."""
        self._factors[qos.name] = qos.usage_factor / WHOLE_FACTOR

    def begin(self, run: Run, project: ProjectName, owner: UserName, qos: QosName = NORMAL) -> None:
        """A run holds its allocation. Said again, the last word holds."""
        held, since = run.allocation, run.started_at or run.placed_at
        amounts = Amounts(1, held.cpu_milli, held.memory_bytes, held.device_share)
        self.hold(run.id, (project, owner), amounts, since, qos)

    def hold(self, run: RunId, account: Account, held: Amounts, since: Instant, qos: QosName = NORMAL) -> None:
        """A run of somebody's holds so much, since an instant."""
        self._running[run] = _Running(account, held.cpu_milli, held.memory_bytes, held.device_share, since, qos)

    def end(self, run: RunId) -> None:
        """A run holds nothing any more; what it held is past."""
        self._running.pop(run, None)

    def standings(self, now: Instant, waiting: Collection[Account], past: Iterable[UsageDay] | Past = ()) -> Standings:
        """How everybody stands who held something, holds something, or is among those who wait.

        ``past`` is what runs held that have ended, by day, project, owner and QOS.
        """
        held = self._held(now, past)
        accounts = held.keys() | waiting
        of_project: dict[ProjectName, list[UserName]] = defaultdict(list)
        for project, owner in accounts:
            of_project[project].append(owner)
        shares = {project: self._shares.get(project, 1) for project in of_project}
        every = sum(shares.values())
        projects, members = {}, {}
        for project, owners in of_project.items():
            share = shares[project] / every if every else 0.0
            parts = [held.get((project, owner), (0.0, 0.0, 0.0)) for owner in owners]
            projects[project] = Standing(share, max(map(sum, zip(*parts, strict=True))))
            for owner, part in zip(owners, parts, strict=True):
                members[project, owner] = Standing(share / len(owners), max(part))
        return Standings(weights=self.weights, projects=projects, members=members, capacity=self._capacity())

    def _capacity(self) -> tuple[int, int, int]:
        cpus, memory, devices = (max(amount, 1) for amount in self._there)
        return cpus, memory, devices

    def _held(self, now: Instant, past: Iterable[UsageDay] | Past) -> dict[Account, _Parts]:
        """Parts of the center that everybody held on the weighted average."""
        sums: dict[Account, _Parts] = {}
        for account, parts, weight in past.held(now) if isinstance(past, Past) else self._of_days(now, past):
            _add(sums, account, parts, weight)
        for run in self._running.values():
            parts = (run.cpu_milli, run.memory_bytes, run.device_share)
            _add(sums, run.account, parts, self._weight(run.since, now, now) * self._factors.get(run.qos, 1.0))
        cpus, memory, devices = self._capacity()
        return {account: (a / cpus, b / memory, c / devices) for account, (a, b, c) in sums.items()}

    def _of_days(self, now: Instant, past: Iterable[UsageDay]) -> Iterator[tuple[Account, _Parts, float]]:
        for day in past:
            begin, end = day.day * DAY_US, min((day.day + 1) * DAY_US, now)
            if end > begin:
                # An amount of a day is taken to have been held evenly while the day lasted.
                weight = self._weight(begin, end, now) * self._factors.get(day.qos, 1.0)
                yield (day.project, day.owner), _held_on(day), weight / (end - begin)

    def _weight(self, begin: int, end: int, now: int) -> float:
        """What the time from ``begin`` to ``end`` weighs of all time before now, which weighs 1."""
        half_life = self.weights.half_life_s * 1_000_000
        return max(exp2((end - now) / half_life) - exp2((begin - now) / half_life), 0.0)


def _held_on(day: UsageDay) -> _Parts:
    """Milli-cpus, bytes and thousandths of devices, times microseconds."""
    return WHOLE_CPU * day.cpu_us, MIB_MS * day.memory_mib_ms, WHOLE_DEVICE * day.device_us


def _add(found: dict[Account, _Parts], account: Account, parts: _Parts, weight: float) -> None:
    before = found.get(account, (0.0, 0.0, 0.0))
    found[account] = (
        before[0] + weight * parts[0],
        before[1] + weight * parts[1],
        before[2] + weight * parts[2],
    )
