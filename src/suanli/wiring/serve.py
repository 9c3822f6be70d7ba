"""Serve: one center on one address until told to stop."""

from __future__ import annotations

import fcntl
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn

from suanli.api.app import Services, create_app
from suanli.model.errors import ConflictError, InvalidRequestError, NotAuthenticatedError
from suanli.services.tenants import Tenants
from suanli.wiring.build import Center, Turning, build_center, make_home
from suanli.wiring.settings import Settings

_log = logging.getLogger("suanli")

_SWITCH_S = 0.001
_LAST_WORDS_S = 1
_GARBAGE = (50_000, 20, 50)
"""Objects between collections, by generation. A bulk submission makes some ten thousand that live until it is written:
with Python's own 700 the collector looks through them again and again, for a quarter of all time, and finds nothing."""


def serve(settings: Settings) -> None:
    """Run the center until SIGTERM or SIGINT. Runs go on when it has gone.

    Raises:
        ConflictError: another server has this home.
        InvalidRequestError: the address cannot be listened on.
    """
    os.umask(0o077)
    # uvicorn stops on these and then hands them on; the unwinding below must still happen, before as after.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: sys.exit(0))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s", stream=sys.stderr)
    # A scheduling turn is long, computing Python: requests must not wait five milliseconds for every hand-over.
    sys.setswitchinterval(_SWITCH_S)
    make_home(settings.home)
    with _sole_server(settings.home), _listening(settings.listen) as listener:
        # What a server that was killed left behind would send clients to nobody.
        (settings.home / "connection.json").unlink(missing_ok=True)
        center = build_center(settings)
        try:
            _prepare(center)
            turning = Turning(center, settings)
            turning.start()
            _spare_collector()
            try:
                _answer(center, turning, settings.home, listener)
            finally:
                turning.stop()
        finally:
            center.close()


def _spare_collector() -> None:
    """What is there now stays; the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)


def _prepare(center: Center) -> None:
    center.inventory.bootstrap()
    for name, engine in center.engines.items():
        center.inventory.refresh(name)
        known = engine.recover()
        if known:
            _log.info("engine %s still has %d runs", name, len(known))


def _answer(center: Center, turning: Turning, home: Path, listener: socket.socket) -> None:
    services = Services(
        requests=center.requests,
        workloads=center.workloads,
        tenants=center.tenants,
        inventory=center.inventory,
        scheduling=center.scheduling,
        quotas=center.quotas,
        power=center.power,
        rates=center.rates,
        tariffs=center.tariffs,
        qualities=center.qualities,
        reservations=center.reservations,
        accounting=center.accounting,
        store=center.store,
        alive=lambda: [loop.name for loop in turning.loops if not loop.alive],
    )
    config = uvicorn.Config(
        create_app(services),
        log_config=None,
        access_log=False,
        # Nothing here asks who the client of a proxy was.
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_LAST_WORDS_S,
    )
    server = uvicorn.Server(config)
    host, port = listener.getsockname()[:2]
    url = f"http://{host}:{port}"
    connection = home / "connection.json"
    _write_private(connection, json.dumps({"url": url, "token": _token(center.tenants, home), "pid": os.getpid()}))
    _log.info("listening on %s", url)
    try:
        server.run(sockets=[listener])
    finally:
        connection.unlink(missing_ok=True)


def _token(tenants: Tenants, home: Path) -> str:
    """The administrator's token of this home: the one issued before while it is good, else a new one."""
    kept = home / "admin-token"
    if kept.exists():
        token = kept.read_text(encoding="utf-8").strip()
        try:
            tenants.authenticate(token)
        except NotAuthenticatedError:
            _log.warning("the kept administrator token is good no more; issuing another")
        else:
            return token
    secret = tenants.bootstrap().secret
    _write_private(kept, secret)
    return secret


def _write_private(path: Path, text: str) -> None:
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


@contextmanager
def _sole_server(home: Path) -> Iterator[None]:
    descriptor = os.open(home / "suanlid.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "r+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ConflictError(f"another suanlid serves {home}", "stop it with `suanli down`") from None
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        yield


@contextmanager
def _listening(address: str) -> Iterator[socket.socket]:
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdecimal():
        raise InvalidRequestError("listen", f"{address!r} is no address", "write 127.0.0.1:8470")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, int(port)))
        except (OSError, OverflowError) as error:
            raise InvalidRequestError("listen", f"cannot listen on {address}: {error}") from None
        listener.listen(1024)
        yield listener
