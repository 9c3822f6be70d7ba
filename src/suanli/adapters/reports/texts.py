"""Every text of a report, in one table for each language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple


class Label(NamedTuple):
    """A text and its unit; ``factor`` takes the stored number to that unit."""

    text: str
    unit: str = ""
    factor: float = 1.0

    def __str__(self) -> str:
        return f"{self.text} ({self.unit})" if self.unit else self.text


class Bars(NamedTuple):
    """What the bars of classes of jobs stand for: the classes, and the figure."""

    across: Label
    up: Label


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """The texts of one language. The keys say which numbers of a result are told, and are those of every language."""

    figures: Mapping[str, Label]
    curves: Mapping[str, Label]
    samples: Mapping[str, Label]
    classes: Mapping[str, Bars]
    time: Label
    share: Label
    policy: str
    used: str
    """Of the curve beside that of what a policy's jobs held."""


_HOURS, _DAYS, _PERCENT, _MWH, _KILO = 1 / 3600, 1 / 86_400, 100.0, 1 / 3.6e9, 1 / 1000

_EN = Texts(
    figures={
        "bounded_slowdown_mean": Label("Bounded slowdown, mean"),
        "bounded_slowdown_median": Label("Bounded slowdown, median"),
        "bounded_slowdown_p99": Label("Bounded slowdown, 99th percentile"),
        "bounded_slowdown_max": Label("Bounded slowdown, maximum"),
        "wait_mean_s": Label("Wait, mean", "h", _HOURS),
        "wait_p99_s": Label("Wait, 99th percentile", "h", _HOURS),
        "turnaround_mean_s": Label("Turnaround, mean", "h", _HOURS),
        "turnaround_p99_s": Label("Turnaround, 99th percentile", "h", _HOURS),
        "makespan_s": Label("Makespan", "d", _DAYS),
        "cpu_held": Label("Cpus held", "%", _PERCENT),
        "cpu_used": Label("Cpus used, by jobs that tell", "%", _PERCENT),
        "cpu_used_of_held": Label("Used of the cpus that these held", "%", _PERCENT),
        "cpu_told": Label("Held by these, of all cpus held", "%", _PERCENT),
        "memory_held": Label("Memory held", "%", _PERCENT),
        "memory_used": Label("Memory used, by jobs that tell", "%", _PERCENT),
        "memory_used_of_held": Label("Used of the memory that these held", "%", _PERCENT),
        "memory_told": Label("Held by these, of all memory held", "%", _PERCENT),
        "disk_held": Label("Local disk held", "%", _PERCENT),
        "device_held": Label("Devices held", "%", _PERCENT),
        "cpu_lost": Label("Cpus free while work waited for them", "%", _PERCENT),
        "memory_lost": Label("Memory free while work waited for it", "%", _PERCENT),
        "disk_lost": Label("Local disk free while work waited for it", "%", _PERCENT),
        "device_lost": Label("Devices free while work waited for them", "%", _PERCENT),
        "fragmentation": Label("Devices free but of no use to typical requests", "%", _PERCENT),
        "jain_user_slowdown": Label("Jain's index, slowdown by user"),
        "jain_project_slowdown": Label("Jain's index, slowdown by project"),
        "jain_user_cpu": Label("Jain's index, cpu time by user"),
        "jain_project_cpu": Label("Jain's index, cpu time by project"),
        "finished": Label("Jobs that ended"),
        "energy_j": Label("Energy (model)", "MWh", _MWH),
        "peak_draw_w": Label("Draw of work beyond idling, most (model)", "kW", _KILO),
    },
    curves={
        "cpu": Label("Cpus held", "%", _PERCENT),
        "memory": Label("Memory held", "%", _PERCENT),
        "disk": Label("Local disk held", "%", _PERCENT),
        "device": Label("Devices held", "%", _PERCENT),
        "cpu_lost": Label("Cpus free while waited for", "%", _PERCENT),
        "device_lost": Label("Devices free while waited for", "%", _PERCENT),
        "fragmentation": Label("Devices free but of no typical use", "%", _PERCENT),
        "waiting": Label("Jobs waiting"),
        "draw": Label("Draw of work beyond idling (model)", "kW", _KILO),
    },
    samples={
        "wait_s": Label("Wait, less than a second drawn as one", "s"),
        "bounded_slowdown": Label("Bounded slowdown"),
    },
    classes={
        "slowdown_by_size": Bars(Label("Size of the job", "cpus or devices"), Label("Mean bounded slowdown")),
        "slowdown_by_runtime": Bars(Label("Run time of the job"), Label("Mean bounded slowdown")),
        "wait_by_size": Bars(Label("Size of the job", "cpus or devices"), Label("Mean wait", "h", _HOURS)),
    },
    time=Label("Time since the first submission", "d", _DAYS),
    share=Label("Share of jobs", "%", _PERCENT),
    policy="Policy",
    used="{policy}, used",
)
_ZH = Texts(
    figures={
        "bounded_slowdown_mean": Label("有界减速比，均值"),
        "bounded_slowdown_median": Label("有界减速比，中位数"),
        "bounded_slowdown_p99": Label("有界减速比，第 99 百分位"),
        "bounded_slowdown_max": Label("有界减速比，最大值"),
        "wait_mean_s": Label("等待时间，均值", "小时", _HOURS),
        "wait_p99_s": Label("等待时间，第 99 百分位", "小时", _HOURS),
        "turnaround_mean_s": Label("周转时间，均值", "小时", _HOURS),
        "turnaround_p99_s": Label("周转时间，第 99 百分位", "小时", _HOURS),
        "makespan_s": Label("总完成时间", "天", _DAYS),
        "cpu_held": Label("处理器分配率", "%", _PERCENT),
        "cpu_used": Label("处理器使用率（有使用记录的作业）", "%", _PERCENT),
        "cpu_used_of_held": Label("这些作业所占处理器中实际使用的比例", "%", _PERCENT),
        "cpu_told": Label("这些作业所占处理器在全部占用中的比例", "%", _PERCENT),
        "memory_held": Label("内存分配率", "%", _PERCENT),
        "memory_used": Label("内存使用率（有使用记录的作业）", "%", _PERCENT),
        "memory_used_of_held": Label("这些作业所占内存中实际使用的比例", "%", _PERCENT),
        "memory_told": Label("这些作业所占内存在全部占用中的比例", "%", _PERCENT),
        "disk_held": Label("本地磁盘分配率", "%", _PERCENT),
        "device_held": Label("设备分配率", "%", _PERCENT),
        "cpu_lost": Label("有作业等待时空闲的处理器", "%", _PERCENT),
        "memory_lost": Label("有作业等待时空闲的内存", "%", _PERCENT),
        "disk_lost": Label("有作业等待时空闲的本地磁盘", "%", _PERCENT),
        "device_lost": Label("有作业等待时空闲的设备", "%", _PERCENT),
        "fragmentation": Label("空闲但典型请求用不上的设备（碎片）", "%", _PERCENT),
        "jain_user_slowdown": Label("Jain 指数，各用户的减速比"),
        "jain_project_slowdown": Label("Jain 指数，各项目的减速比"),
        "jain_user_cpu": Label("Jain 指数，各用户的处理器时间"),
        "jain_project_cpu": Label("Jain 指数，各项目的处理器时间"),
        "finished": Label("已结束的作业数"),
        "energy_j": Label("能耗（模型）", "MWh", _MWH),
        "peak_draw_w": Label("作业在空闲功耗之外的最大功率（模型）", "kW", _KILO),
    },
    curves={
        "cpu": Label("处理器分配率", "%", _PERCENT),
        "memory": Label("内存分配率", "%", _PERCENT),
        "disk": Label("本地磁盘分配率", "%", _PERCENT),
        "device": Label("设备分配率", "%", _PERCENT),
        "cpu_lost": Label("有作业等待时空闲的处理器", "%", _PERCENT),
        "device_lost": Label("有作业等待时空闲的设备", "%", _PERCENT),
        "fragmentation": Label("空闲但典型请求用不上的设备", "%", _PERCENT),
        "waiting": Label("等待的作业数"),
        "draw": Label("作业在空闲功耗之外的功率（模型）", "kW", _KILO),
    },
    samples={
        "wait_s": Label("等待时间，不足一秒画作一秒", "秒"),
        "bounded_slowdown": Label("有界减速比"),
    },
    classes={
        "slowdown_by_size": Bars(Label("作业规模", "处理器或设备数"), Label("平均有界减速比")),
        "slowdown_by_runtime": Bars(Label("作业运行时间"), Label("平均有界减速比")),
        "wait_by_size": Bars(Label("作业规模", "处理器或设备数"), Label("平均等待时间", "小时", _HOURS)),
    },
    time=Label("自首个作业提交起的时间", "天", _DAYS),
    share=Label("作业占比", "%", _PERCENT),
    policy="策略",
    used="{policy}，使用",
)
LANGUAGES: Final[Mapping[str, Texts]] = {"en": _EN, "zh": _ZH}
FIGURES: Final = tuple(_EN.figures)
"""Keys of the figures that are told."""
CLASSES: Final = tuple(_EN.classes)
"""Keys of the classes that are drawn."""

MISSING: Final = "the library {name} is not installed"
MISSING_HINT: Final = "pip install 'suanli[replay]'"
