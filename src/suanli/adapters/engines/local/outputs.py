"""Reading what runs wrote. A user controls names below the working directory, so a name proves nothing there."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from suanli.model.errors import NotFoundError
from suanli.ports.engine import LogChunk


@contextmanager
def open_owned(directory: Path, path: str, uid: int) -> Iterator[int]:
    """Open a regular file below ``directory`` that belongs to ``uid``, following no link below it.

    The account could read its own file anyway, so nothing is given away that it could not have. The file is looked
    at before it is opened for reading (O_PATH), so that no device or FIFO is ever opened.

    Raises:
        NotFoundError: there is no such file of that account.
    """
    descriptors: list[int] = []
    try:
        try:
            descriptors.append(os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
            for part in Path(path).parts:
                descriptors.append(os.open(part, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptors[-1]))
            status = os.fstat(descriptors[-1])
            if not stat.S_ISREG(status.st_mode) or status.st_uid != uid:
                raise NotFoundError("output", path, "an output is a regular file that the run's own account owns")
            descriptors.append(os.open(f"/proc/self/fd/{descriptors[-1]}", os.O_RDONLY | os.O_CLOEXEC))
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            raise NotFoundError("output", path) from None
        yield descriptors[-1]
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def read_chunk(descriptor: int, offset: int, limit: int) -> LogChunk:
    """At most ``limit`` bytes from ``offset``; a negative offset counts from the end."""
    size = os.fstat(descriptor).st_size
    begin = max(0, size + offset) if offset < 0 else min(offset, size)
    return LogChunk(data=os.pread(descriptor, max(0, limit), begin), offset=begin, size=size)
