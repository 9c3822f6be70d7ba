"""Sums over the ranks of a torchrun-style launch, through one TCP connection from every other rank to rank 0."""

from __future__ import annotations

import os
import socket
import struct
import time
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

MEETING_S = 60.0
_RETRY_S = 0.05
_RANK = struct.Struct("!I")


class Ranks:
    """All ranks of this launch, as RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT describe it; a context manager.

    Raises OSError, ConnectionError or TimeoutError when a rank does not come within MEETING_S, or goes away.
    """

    def __init__(self) -> None:
        self.rank = int(os.environ["RANK"])
        self.size = int(os.environ["WORLD_SIZE"])
        address = (os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"]))
        self._peers = _accept(address, self.size - 1) if self.rank == 0 else [_join(address, self.rank)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for peer in self._peers:
            peer.close()

    def sum(self, part: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum of every rank's ``part``, bit for bit the same on all of them; all parts have one shape."""
        if self.rank:
            self._peers[0].sendall(part.tobytes())
            return _receive(self._peers[0], part)
        total = part.copy()
        for peer in self._peers:
            total += _receive(peer, part)
        for peer in self._peers:
            peer.sendall(total.tobytes())
        return total


def _accept(address: tuple[str, int], others: int) -> list[socket.socket]:
    """Connections of the other ranks in the order of their numbers, so that every sum has one order."""
    peers: dict[int, socket.socket] = {}
    with socket.create_server(address) as server:
        server.settimeout(MEETING_S)
        while len(peers) < others:
            peer, _ = server.accept()
            peer.settimeout(MEETING_S)
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peers[_RANK.unpack(_read(peer, _RANK.size))[0]] = peer
    return [peers[rank] for rank in sorted(peers)]


def _join(address: tuple[str, int], rank: int) -> socket.socket:
    deadline = time.monotonic() + MEETING_S
    while True:
        try:
            peer = socket.create_connection(address, timeout=MEETING_S)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_S)
            continue
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.sendall(_RANK.pack(rank))
        return peer


def _receive(peer: socket.socket, like: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.frombuffer(_read(peer, like.nbytes), dtype=like.dtype).reshape(like.shape)


def _read(peer: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        chunk = peer.recv(count - len(data))
        if not chunk:
            raise ConnectionError("a rank went away")
        data += chunk
    return bytes(data)
