"""Why a workload waits, in the reader's language: one table from the kernel's stable codes to words.

Each row names the field of the spec that binds, says what blocks, and what would help.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from suanli.api.language import Language, Words
from suanli.api.schemas.fields import maybe_timestamp, timestamp
from suanli.api.schemas.reasons import AlternativeView, ReasonView
from suanli.api.schemas.spec import dependency_text
from suanli.model.power import MILLIWATTS
from suanli.model.quantities import WHOLE_CPU, WHOLE_DEVICE, format_memory
from suanli.model.workload import Workload, WorkloadState

if TYPE_CHECKING:
    from suanli.kernel.scheduling.plan import Explanation, Reason


def _count(amount: int) -> str:
    return str(amount)


def _cpus(milli: int) -> str:
    return f"{milli / WHOLE_CPU:g}"


def _watts(milliwatts: int) -> str:
    return f"{milliwatts / MILLIWATTS:g} W"


def _rate(billions: int) -> str:
    return f"{billions / 1000:g} TF"


def _devices(thousandths: int) -> str:
    return f"{thousandths / WHOLE_DEVICE:g}"


class Row(NamedTuple):
    """How one code is told. ``amount`` writes ``needed`` and ``available`` in the unit of the code.

    Where it ``is_quota``, ``wanted`` says which amount is bounded, and its unit is that of the amount.
    """

    constraint: str
    text: Words
    helps: Words | None = None
    amount: Callable[[int], str] = _count
    is_quota: bool = False


def _quota(constraint: str, whose: Words) -> Row:
    """How a quota on somebody's work is told; what it bounds is in ``wanted``."""
    return Row(
        constraint,
        Words(
            whose.en + " would have asked for {needed} {wanted}, and may for {available}",
            whose.zh + "合计将申请 {needed} {wanted}，上限为 {available}",
        ),
        Words(
            "that work ending, or a larger quota: `suanli quota list`",
            "等这些作业结束，或申请更大的配额：`suanli quota list`",
        ),
        is_quota=True,
    )


_AMOUNTS: Mapping[str, tuple[Words, Callable[[int], str]]] = {
    "runs": (Words("runs", "个运行"), _count),
    "cpu_milli": (Words("cpus", "个 CPU"), _cpus),
    "memory_bytes": (Words("of memory", "内存"), format_memory),
    "device_share": (Words("devices", "个加速设备"), _devices),
}
"""What a quota bounds, and how much of it is written."""
_GONE = "reservation_gone"
"""How code ``reservation`` is told where there is none of that name."""
_NEAR, _NO_SLOTS = "device_free_near", "partition_free"
"""How code ``device_free`` is told where devices must be near each other, too, and where it is of partitions."""

ROWS: Mapping[str, Row] = {
    "node_state": Row(
        "nodes",
        Words("{failing} of {total} nodes are draining or down", "{total} 个节点中有 {failing} 个正在排空或已离线"),
        Words("nodes coming back: `suanli nodes` says why they are away", "等节点恢复；`suanli nodes` 会说明原因"),
    ),
    "reserved": Row(
        "time_limit",
        Words(
            "{failing} of {total} nodes are reserved when it would still run: {reservation}, {starts} - {ends}",
            "{total} 个节点中有 {failing} 个已被预留，而它会运行到预留时段：{reservation}，{starts} 至 {ends}",
        ),
        Words(
            "a time limit that ends before that; `suanli reservation list` shows all",
            "缩短时间限制，使其在此之前结束；`suanli reservation list` 可查看全部预留",
        ),
    ),
    "reservation": Row(
        "reservation",
        Words(
            "{failing} of {total} nodes are closed to it now within reservation {reservation}, {starts} - {ends}",
            "预留 {reservation}（{starts} 至 {ends}）目前不允许它使用 {total} 个节点中的 {failing} 个",
        ),
        Words(
            "the reservation being open, and a time limit that ends with it or before",
            "等预留时段开始，且时间限制不超过预留的结束时间",
        ),
    ),
    _GONE: Row(
        "reservation",
        Words("there is no reservation {reservation} any more", "预留 {reservation} 已不存在"),
        Words("cancelling it and submitting it without one", "取消该作业，并不带预留重新提交"),
    ),
    "feature": Row(
        "features",
        Words(
            "{failing} of {total} nodes do not have all the features asked for; lacking: {wanted}",
            "{total} 个节点中有 {failing} 个不具备所要求的全部特性；缺少：{wanted}",
        ),
        Words(
            "leaving some features out; {available} nodes have all of them, `suanli nodes` shows which",
            "去掉部分特性要求；具备全部特性的节点有 {available} 个，`suanli nodes` 可查看",
        ),
    ),
    "exclusive": Row(
        "exclusive",
        Words(
            "{failing} of {total} nodes are held by others and cannot be shared",
            "{total} 个节点中有 {failing} 个已被他人占用，无法共用",
        ),
        Words("asking for nodes that may be shared", "不要求独占节点"),
    ),
    "device_class": Row(
        "resources.devices.class",
        Words(
            "{failing} of {total} nodes have no {wanted} for a task",
            "{total} 个节点中有 {failing} 个没有足够的 {wanted}",
        ),
        Words("another class of device, or none", "改用其他类别的加速设备，或不用"),
    ),
    "device_model": Row(
        "resources.devices.model",
        Words(
            "{failing} of {total} nodes have too few devices of model {wanted}",
            "{total} 个节点中有 {failing} 个缺少型号为 {wanted} 的设备",
        ),
        Words("leaving the model open", "不限定型号"),
    ),
    "device_partition": Row(
        "resources.devices.partition",
        Words(
            "{failing} of {total} nodes have too few devices that may be parted by {wanted}",
            "{total} 个节点中有 {failing} 个缺少可按 {wanted} 切分的设备",
        ),
        Words(
            "another partition, or another model: `suanli devices` shows by what each may be parted",
            "改用其他切分规格或型号；`suanli devices` 会显示各设备的切分规格",
        ),
    ),
    "device_memory": Row(
        "resources.devices.min_memory",
        Words(
            "on {failing} of {total} nodes the devices have less than {needed} of memory",
            "{total} 个节点中有 {failing} 个的设备显存不足 {needed}",
        ),
        Words(
            "asking for less memory per device; the most there is: {available}",
            "降低单设备显存要求；最大为 {available}",
        ),
        format_memory,
    ),
    "device_precision": Row(
        "resources.devices.precision",
        Words(
            "on {failing} of {total} nodes the devices cannot do {wanted}",
            "{total} 个节点中有 {failing} 个的设备不支持 {wanted}",
        ),
        Words("another precision", "改用其他精度"),
    ),
    "device_rate": Row(
        "resources.devices.at_least",
        Words(
            "on {failing} of {total} nodes the devices do less than {needed} in {wanted}, or nobody knows how much",
            "{total} 个节点中有 {failing} 个的设备 {wanted} 算力不足 {needed}，或算力未知",
        ),
        Words(
            "asking for less; the most that is known: {available}. A rate that is not known does not count",
            "降低算力要求；已知最大为 {available}。算力未知的设备不计入",
        ),
        _rate,
    ),
    "device_bitstream": Row(
        "resources.devices.bitstream",
        Words("{failing} of {total} nodes lack bitstream {wanted}", "{total} 个节点中 {failing} 个无比特流 {wanted}"),
        Words("another bitstream: `suanli devices` shows them", "改用其他比特流；`suanli devices` 可查看"),
    ),
    "device_interconnect": Row(
        "resources.devices.interconnect",
        Words(
            "{failing} of {total} nodes have too few fitting devices as near each other as {wanted}: {needed} needed",
            "{total} 个节点中有 {failing} 个没有足够多以 {wanted} 级互联的合适设备：需要 {needed}",
        ),
        Words(
            "a longer distance, or fewer devices; `suanli devices --topology` shows what is near what",
            "放宽互联要求，或减少数量；`suanli devices --topology` 可查看设备互联",
        ),
        _devices,
    ),
    "device_health": Row(
        "resources.devices",
        Words(
            "on {failing} of {total} nodes too many fitting devices are broken",
            "{total} 个节点中有 {failing} 个的合适设备出现故障",
        ),
        Words("the devices being repaired", "等设备修复"),
    ),
    "device_free": Row(
        "resources.devices",
        Words(
            "on {failing} of {total} nodes fitting devices are taken: {needed} needed, at most {available} free",
            "{total} 个节点中有 {failing} 个的合适设备已被占用：需要 {needed}，最多空闲 {available}",
        ),
        Words(
            "running work ending, or asking for fewer devices",
            "等运行中的作业结束，或减少数量",
        ),
        _devices,
    ),
    _NO_SLOTS: Row(
        "resources.devices.partition",
        Words(
            "partition {wanted}: no free slots for {needed} on {failing} of {total} nodes"
            " ({devices} devices of a model that has it); at most {available} fit on one",
            "切分规格 {wanted}：{total} 个节点中有 {failing} 个放不下 {needed} 个"
            "（具备该规格的设备共 {devices} 个）；单节点最多还能放下 {available} 个",
        ),
        Words(
            "partitions being given back, a smaller partition, or fewer on one node",
            "等分区释放、改用更小的规格，或减少单节点上的数量",
        ),
    ),
    _NEAR: Row(
        "resources.devices.interconnect",
        Words(
            "on {failing} of {total} nodes no {wanted} group has enough fitting devices free: {needed} needed, at most "
            "{available} free",
            "{total} 个节点中有 {failing} 个的 {wanted} 级互联设备组空闲不足：需要 {needed}，最多空闲 {available}",
        ),
        Words(
            "running work ending, a longer distance, or asking for fewer devices",
            "等运行中的作业结束、放宽互联要求，或减少数量",
        ),
        _devices,
    ),
    "cpu": Row(
        "resources.cpus",
        Words(
            "{failing} of {total} nodes have too few free cpus: {needed} needed, at most {available} free",
            "{total} 个节点中有 {failing} 个空闲 CPU 不足：需要 {needed}，最多空闲 {available}",
        ),
        Words("running work ending, or asking for fewer cpus", "等运行中的作业结束，或减少 CPU"),
        _cpus,
    ),
    "memory": Row(
        "resources.memory",
        Words(
            "{failing} of {total} nodes have too little free memory: {needed} needed, at most {available} free",
            "{total} 个节点中有 {failing} 个空闲内存不足：需要 {needed}，最多空闲 {available}",
        ),
        Words("running work ending, or asking for less memory", "等运行中的作业结束，或减少内存"),
        format_memory,
    ),
    "disk": Row(
        "resources.disk",
        Words(
            "{failing} of {total} nodes have too little free local disk: {needed} needed, at most {available} free",
            "{total} 个节点中有 {failing} 个空闲本地磁盘不足：需要 {needed}，最多空闲 {available}",
        ),
        Words("running work ending, or asking for less disk", "等运行中的作业结束，或减少本地磁盘"),
        format_memory,
    ),
    "nodes_count": Row(
        "nodes",
        Words(
            "{needed} nodes are needed at once and {available} could hold their part",
            "需要同时有 {needed} 个节点，目前只有 {available} 个可用",
        ),
        Words("asking for fewer nodes", "减少节点数"),
    ),
    "tasks_count": Row(
        "tasks",
        Words(
            "{needed} tasks must start together and {available} of them fit now",
            "{needed} 个任务必须同时启动，目前只能放下 {available} 个",
        ),
        Words("asking for fewer tasks", "减少任务数"),
    ),
    "engine": Row(
        "tasks",
        Words("no single engine has the room, though all together have", "没有任何单个引擎有足够空间，虽然合起来够用"),
        Words("asking for less at once", "减少一次所需的资源"),
    ),
    "array_limit": Row(
        "array.max_running",
        Words(
            "as many elements of its array run as it allows itself: {needed}",
            "该数组同时运行的元素已达到上限 {needed}",
        ),
        Words("a higher bound on running elements", "提高同时运行的上限"),
    ),
    "queue_quota": _quota("queue", Words("work that runs in its queue", "该队列中运行的作业")),
    "queue_user_quota": _quota(
        "queue", Words("its owner's work that runs in the queue", "其所有者在该队列中运行的作业")
    ),
    "qos_quota": _quota("qos", Words("work of its QOS that runs", "该 QOS 运行的作业")),
    "qos_user_quota": _quota("qos", Words("its owner's work of its QOS that runs", "其所有者在该 QOS 运行的作业")),
    "project_quota": _quota("project", Words("work of its project that runs", "该项目运行的作业")),
    "project_user_quota": _quota(
        "project", Words("its owner's work that runs in the project", "其所有者在该项目中运行的作业")
    ),
    "user_quota": _quota("owner", Words("its owner's work that runs", "其所有者运行的作业")),
    "license": Row(
        "licenses",
        Words(
            "{needed} of license {wanted} are needed, and {available} may be had now",
            "需要 {needed} 个 {wanted} 许可证，目前可用 {available} 个",
        ),
        Words("running work ending that has some, or asking for fewer", "等占用许可证的作业结束，或减少数量"),
    ),
    "power": Row(
        "resources",
        Words(
            "it could draw {needed}, and the power cap leaves {available}: {cap}, of which running work draws {in_use}",
            "它最多耗电 {needed}，而功率上限 {cap} 中运行的作业已占 {in_use}，剩余 {available}",
        ),
        Words(
            "running work ending, a larger cap, or a device model that draws less: `suanli power show`",
            "等运行中的作业结束、提高功率上限，或指定功耗更低的设备型号：`suanli power show`",
        ),
        _watts,
    ),
    "deadline": Row(
        "deadline",
        Words(
            "it is foreseen to start in {needed}s, and must in {available}s to be done by its deadline",
            "预计 {needed} 秒后启动，但必须在 {available} 秒内启动才能赶上截止时间",
        ),
        Words("a shorter time limit, or a later deadline", "缩短时间限制，或推迟截止时间"),
    ),
    "priority": Row(
        "priority",
        Words("work that goes first takes the room", "排在前面的作业占用了空间"),
        Words("waiting, or an operator raising its priority", "等待，或请运维人员提高优先级"),
    ),
    "backfill_window": Row(
        "time_limit",
        Words(
            "it would delay workload {ahead}, which goes first: it may run {needed}s, {available}s are free",
            "它会推迟排在前面的作业 {ahead}：它可能运行 {needed} 秒，而空档只有 {available} 秒",
        ),
        Words("a shorter time limit", "缩短时间限制"),
    ),
    "faster_device": Row(
        "objective",
        Words(
            "it could start and would be done in {needed}s; waiting until {starts} for {wanted}, in {available}s",
            "现在启动需 {needed} 秒完成；等到 {starts} 改用 {wanted} 则只需 {available} 秒",
        ),
        Words("another objective, or none, if it is to start at once", "若要立即启动，改用其他目标或不设目标"),
    ),
    "no_time_limit": Row(
        "time_limit",
        Words(
            "work without a time limit holds what is needed, so no start can be foreseen",
            "没有时间限制的作业占用了所需资源，因此无法预计开始时间",
        ),
        Words("that work being ended, or given a time limit", "结束该作业，或为它设定时间限制"),
    ),
    "impossible": Row(
        "resources",
        Words("no nodes of this center could hold it, even empty", "即使全部空闲，本中心也没有节点能容纳它"),
        Words("asking for less; `suanli nodes` shows what there is", "减少所需资源；`suanli nodes` 可查看现有资源"),
    ),
    "held": Row(
        "hold",
        Words("it is held", "它被挂起"),
        Words("`suanli release {id}`", "`suanli release {id}`"),
    ),
    "dependency": Row(
        "dependencies",
        Words("it waits for {wanted}", "它在等待 {wanted}"),
        Words("what it waits for ending", "等所依赖的作业结束"),
    ),
}


def _until_seconds(instant_us: int) -> str:
    return timestamp(instant_us)[: len("2026-11-24T11:00:00")] + "Z" if instant_us else ""


class _Case(NamedTuple):
    code: str
    failing: int = 0
    total: int = 0
    needed: int = 0
    available: int = 0
    wanted: str = ""
    ahead: int = 0
    id: int = 0
    reservation: str = ""
    starts: str = ""
    ends: str = ""
    in_use: int = 0
    cap: int = 0
    devices: int = 0


def _row(case: _Case) -> str:
    """As which of the rows a code is told."""
    if case.code == "reservation" and not case.starts:
        return _GONE
    if case.code == "device_free" and case.devices:
        return _NO_SLOTS
    return _NEAR if case.code == "device_free" and case.wanted else case.code


def _say(case: _Case, language: Language) -> ReasonView:
    row = ROWS[_row(case)]
    words, amount = case._asdict(), row.amount
    if row.is_quota:
        what, amount = _AMOUNTS[case.wanted]
        words["wanted"] = what.say(language)
    words |= {name: amount(getattr(case, name)) for name in ("needed", "available", "in_use", "cap")}
    return ReasonView(
        code=case.code,
        constraint=row.constraint,
        text=row.text.say(language).format_map(words),
        nodes_failing=case.failing if case.total else None,
        nodes_total=case.total or None,
        params={
            "needed": case.needed,
            "available": case.available,
            "wanted": case.wanted,
            "ahead": case.ahead,
            "reservation": case.reservation,
            "starts_at": case.starts,
            "ends_at": case.ends,
            "in_use": case.in_use,
            "cap": case.cap,
            "devices": case.devices,
        },
        helps=None if row.helps is None else row.helps.say(language).format_map(words),
    )


def tell(reason: Reason, language: Language) -> ReasonView:
    """Put one of the kernel's reasons into words."""
    case = _Case(
        code=reason.code,
        failing=reason.nodes_failing,
        total=reason.nodes_total,
        needed=reason.needed,
        available=reason.available,
        wanted=reason.wanted,
        ahead=reason.ahead,
        reservation=reason.reservation,
        starts=_until_seconds(reason.starts_at),
        ends=_until_seconds(reason.ends_at),
        in_use=reason.in_use,
        cap=reason.cap,
        devices=reason.devices,
    )
    return _say(case, language)


def of_alternatives(explanation: Explanation, language: Language) -> list[AlternativeView]:
    """Why a workload does not start with each of its alternatives."""
    return [
        AlternativeView(
            alternative=one.alternative,
            reasons=[tell(reason, language) for reason in one.reasons],
            earliest_start=maybe_timestamp(one.earliest_start or 0),
        )
        for one in explanation.forms[1:]
    ]


def of_state(workload: Workload, language: Language) -> list[ReasonView]:
    """Why a workload waits that the planner does not look at: it is held, or depends on others."""
    if workload.state is WorkloadState.HELD:
        return [_say(_Case("held", id=workload.id), language)]
    if workload.state is WorkloadState.BLOCKED:
        return [
            _say(_Case("dependency", wanted=dependency_text(other), ahead=other.workload), language)
            for other in workload.dependencies
        ]
    return []
