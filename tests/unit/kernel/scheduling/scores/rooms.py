"""Small rooms for scores: nodes with what they have free, and requests; and their rules told plainly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from suanli.kernel.scheduling.core.criteria import KINDS, Request
from suanli.kernel.scheduling.scores.arrays import Free
from suanli.kernel.scheduling.scores.largest import Largest

WIDTH = 4
LARGEST = Largest(100_000.0, 4000.0)
NO_DEVICE = (0, -1)
"""What is free of a position without a device, and its model."""

Card = int | tuple[int, int]
"""Thousandths free of a device of model 0, or of another."""


def card(one: Card) -> tuple[int, int]:
    return one if isinstance(one, tuple) else (one, 0)


def free(*nodes: tuple[int, Sequence[Card]], memory: int = 10**6) -> Free:
    """Nodes of so many milli-cpus and cards."""
    cards = [[card(one) for one in cards] + [NO_DEVICE] * (WIDTH - len(cards)) for _, cards in nodes]
    table = np.array(cards, dtype=np.int64).reshape(len(nodes), WIDTH, 2)
    cpu = np.array([cpu for cpu, _ in nodes], dtype=np.int64)
    kinds = np.zeros((len(nodes), KINDS), dtype=np.int64)
    return Free(cpu, np.full(len(nodes), memory), table[:, :, 0].copy(), table[:, :, 1].copy(), cpu.copy(), kinds)


def asks(cpu: int = 1000, number: int = 0, share: int = 1000, models: int = -1, memory: int = 0) -> Request:
    return Request(cpu, memory, number, share if number else 0, models)


def plain_cards(room: Free, row: int) -> list[tuple[int, int]]:
    return list(zip(room.device[row].tolist(), room.model[row].tolist(), strict=True))


def serves(request: Request, one: tuple[int, int]) -> bool:
    """Whether a card has the share free and is of a model that will do."""
    left, model = one
    return model >= 0 and left >= request.share and bool(request.models >> model & 1)


def plain_fits(room: Free, row: int, request: Request) -> bool:
    enough = room.cpu[row] >= request.cpu and room.memory[row] >= request.memory
    return bool(enough) and sum(serves(request, one) for one in plain_cards(room, row)) >= request.number


def plain_without(room: Free, row: int, request: Request) -> list[int]:
    """What cards have free once the tightest of them are taken, one after the other."""
    left = [one[0] for one in plain_cards(room, row)]
    able = [place for place, one in enumerate(plain_cards(room, row)) if serves(request, one)]
    for place in sorted(able, key=lambda place: (left[place], place))[: request.number]:
        left[place] -= request.share
    return left
