"""Nodes and queues."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

import click

from suanli_cli import text
from suanli_cli.devices import INTERCONNECTS, format_operations
from suanli_cli.frame import App, command, option, pass_app
from suanli_cli.language import say


@command("nodes")
@pass_app
def nodes(app: App) -> None:
    """Print the nodes."""
    found = app.client().nodes()
    app.answer(found, lambda: _marked(found["items"], nodes_text(found)))


@command("devices")
@option("--supply", is_flag=True, says="devices.supply")
@option("--topology", is_flag=True, says="devices.topology")
@option("--readings", is_flag=True, says="devices.readings")
@pass_app
def devices(app: App, *, supply: bool, topology: bool, readings: bool) -> None:
    """Print the devices, or what they can do in all, or which of a node are near each other, or how they are now."""
    if supply:
        told = app.client().supply()
        app.answer(told, lambda: _supply_text(told["items"]))
        return
    found = app.client().nodes()
    if topology:
        links = [{"node": node["name"], "links": node["links"]} for node in found["items"]]
        app.answer({"items": links}, lambda: _topology_text(links))
        return
    listed = [
        {"node": node["name"], "simulated": node["simulated"], **device}
        for node in found["items"]
        for device in node["devices"]
    ]
    if readings:
        listed = list(_with_readings(app, listed))
    show = _readings_text if readings else _devices_text
    app.answer({"items": listed}, lambda: _marked(listed, show(listed)))


@command("drain")
@click.argument("name")
@option("--reason", required=True, metavar="TEXT", says="drain.reason")
@pass_app
def drain(app: App, name: str, reason: str) -> None:
    """Drain a node and print how it then stands."""
    node = app.client().drain(name, reason)
    app.answer(node, lambda: say("node.is", name=name, state=say(f"node_state.{node['state']}")))


@command("resume")
@click.argument("name")
@pass_app
def resume(app: App, name: str) -> None:
    """Resume a node and print how it then stands."""
    node = app.client().resume(name)
    app.answer(node, lambda: say("node.is", name=name, state=say(f"node_state.{node['state']}")))


@command("queues")
@pass_app
def queues(app: App) -> None:
    """Print the queues."""
    found = app.client().queues()
    app.answer(found, lambda: _queues_text(found))


def nodes_text(found: dict[str, Any]) -> str:
    """The table of nodes."""
    headings = ["node", "state", "engine", "cpus", "memory", "disk", "devices", "runs", "reason"]
    are_featured = any(node["features"] for node in found["items"])
    if are_featured:
        headings.insert(7, "features")
    rows = [
        [
            node["name"],
            say(f"node_state.{node['state']}"),
            node["engine"],
            f"{text.amount(node['allocated_cpus'])}/{text.amount(node['cpus'])}",
            f"{text.memory(node['allocated_memory_bytes'])}/{text.memory(node['memory_bytes'])}",
            f"{text.memory(node['allocated_disk_bytes'])}/{text.memory(node['disk_bytes'])}",
            _devices(node["devices"]),
            *([",".join(node["features"])] if are_featured else []),
            str(len(node["runs"])),
            node["reason"] or "",
        ]
        for node in found["items"]
    ]
    return text.table([say(f"column.{name}") for name in headings], rows, right=(3, 4, 5, headings.index("runs")))


def _marked(items: list[dict[str, Any]], table: str) -> str:
    """The table, under a line that says so where what it tells of is made up."""
    return "\n".join([*([say("simulated")] if any(item["simulated"] for item in items) else []), table])


def _devices(devices: list[dict[str, Any]]) -> str:
    """``gpu A100 3/4 free`` for each model."""
    by_model: dict[str, list[float]] = {}
    for device in devices:
        model = f"{device['device_class']} {device['model']}".strip()
        by_model.setdefault(model, []).append(device["free_share"] if device["healthy"] else 0)
    return ", ".join(
        say("nodes.devices", model=model, free=text.amount(sum(free)), total=len(free))
        for model, free in by_model.items()
    )


def _devices_text(listed: list[dict[str, Any]]) -> str:
    configured = ["bitstreams"] if any(device["bitstream"] or device["bitstreams"] for device in listed) else []
    headings = ["node", "device", "class", "model", "memory", "precisions", "free", "partitions", *configured]
    headings += ["enforced", "health"]
    rows = [
        [
            device["node"],
            str(device["index"]),
            device["device_class"],
            device["model"],
            text.memory(device["memory_bytes"]) if device["memory_bytes"] else "",
            " ".join(device["precisions"]),
            text.amount(device["free_share"]),
            " ".join(f"{one['name']} {one['free']}/{one['most']}" for one in device["partitions"]),
            *([_bitstreams(device)] if configured else []),
            say("yes" if device["enforced"] else "no"),
            ": ".join(filter(None, (say(f"device_health.{_health(device)}"), device["reason"]))),
        ]
        for device in listed
    ]
    return text.table([say(f"column.{name}") for name in headings], rows, right=(1, 4, 6))


def _bitstreams(device: dict[str, Any]) -> str:
    """``vadd (aes fft)``: what it is configured by, and by what else it can be."""
    others = [name for name in device["bitstreams"] if name != device["bitstream"]]
    return f"{device['bitstream'] or '-'} ({' '.join(others)})" if others else device["bitstream"]


def _topology_text(nodes: list[dict[str, Any]]) -> str:
    """By node and distance the groups of its devices, nearest first."""
    rows = [
        [node["node"], word, "  ".join(",".join(map(str, group)) for group in node["links"][word])]
        for node in nodes
        for word in INTERCONNECTS
        if word in node["links"]
    ]
    headings = [say(f"column.{name}") for name in ("node", "interconnect", "groups")]
    return text.table(headings, rows) if rows else say("devices.no_topology")


def _with_readings(app: App, listed: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The devices with how they are now; one that came since its node was described is left out."""
    for node, devices in groupby(listed, key=itemgetter("node")):
        now = {reading["index"]: reading for reading in app.client().readings(node)["devices"]}
        yield from ({**device, "readings": now[device["index"]]} for device in devices if device["index"] in now)


def _readings_text(listed: list[dict[str, Any]]) -> str:
    headings = ["node", "device", "model", "temperature", "power", "busy", "in_use", "memory", "health"]
    rows = [
        [
            device["node"],
            str(device["index"]),
            device["model"],
            _told(now["temperature_celsius"], "{:.0f} C"),
            _told(now["power_watts"], "{:.0f} W"),
            _told(now["busy"], "{:.0%}"),
            "" if now["memory_used_bytes"] is None else text.memory(now["memory_used_bytes"]),
            text.memory(device["memory_bytes"]) if device["memory_bytes"] else "",
            ": ".join(filter(None, (say(f"health.{now['health']}"), now["reason"]))),
        ]
        for device in listed
        for now in [device["readings"]]
    ]
    return text.table([say(f"column.{name}") for name in headings], rows, right=(1, 3, 4, 5, 6, 7))


def _told(number: float | None, form: str) -> str:
    return "" if number is None else form.format(number)


def _supply_text(items: list[dict[str, Any]]) -> str:
    rows = [
        [
            item["precision"],
            str(item["devices"]),
            format_operations(item["operations_per_hour"]),
            format_operations(item["held_operations_per_hour"]),
            str(item["unknown_devices"] or ""),
        ]
        for item in items
        if item["devices"] or item["unknown_devices"]
    ]
    headings = [say(f"column.{name}") for name in ("precision", "devices", "an_hour", "held_an_hour", "unknown")]
    return text.table(headings, rows, right=(1, 2, 3, 4)) if rows else say("supply.none")


def _health(device: dict[str, Any]) -> str:
    if not device["healthy"]:
        return "unfit"
    return "degraded" if device["reason"] else "fit"


def _queues_text(found: dict[str, Any]) -> str:
    rows = [
        [queue["name"], str(queue["priority"]), _limit(queue["default_time_limit"]), _limit(queue["max_time_limit"])]
        for queue in found["items"]
    ]
    headings = ["queue", "priority", "default_time_limit", "max_time_limit"]
    return text.table([say(f"column.{name}") for name in headings], rows, right=(1,))


def _limit(seconds: int) -> str:
    return text.duration(seconds) if seconds else say("queues.no_limit")
