"""Serve a trained network over HTTP on loopback until told to stop (SIGTERM or SIGINT), then end with 0.

``GET /health`` says that it answers; ``POST /predict`` takes ``{"samples": [[64 numbers from 0 to 16], ...]}`` and
returns ``{"labels": [...]}``. The port is SUANLI_PORT, by default one that is free; ``endpoint.json`` in the working
directory says which. The first argument, if any, is the network's file, by default ``network.npz``.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
from network import BRIGHTEST, PIXELS, Array, Network

LARGEST_BODY = 4 * 1024 * 1024
STOPPING = (signal.SIGTERM, signal.SIGINT)


class Server(ThreadingHTTPServer):
    """Answers each request in a thread of its own, and closes only when all are answered."""

    daemon_threads = False

    def __init__(self, port: int, network: Network) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.network = network


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Server
    timeout = 5

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(HTTPStatus.OK, {"status": "ready"})
        else:
            self._answer(HTTPStatus.NOT_FOUND, {"error": f"there is no {self.path}"})

    def do_POST(self) -> None:
        if self.path != "/predict":
            self._answer(HTTPStatus.NOT_FOUND, {"error": f"there is no {self.path}"})
            return
        try:
            samples = self._samples()
        except ValueError as refusal:
            self._answer(HTTPStatus.BAD_REQUEST, {"error": str(refusal)})
            return
        self._answer(HTTPStatus.OK, {"labels": self.server.network.labels(samples).tolist()})

    def _samples(self) -> Array:
        """The body's samples, one row each; raises ValueError where they are none."""
        length = int(self.headers.get("Content-Length", "0"))
        if not 0 < length <= LARGEST_BODY:
            raise ValueError(f"a body has 1 to {LARGEST_BODY} bytes")
        body = json.loads(self.rfile.read(length))
        try:
            samples = np.array(body["samples"], dtype=np.float64)
        except (KeyError, TypeError):
            raise ValueError("the body is an object with a list of samples of numbers") from None
        if samples.ndim != 2 or samples.shape[1] != PIXELS or not ((samples >= 0) & (samples <= BRIGHTEST)).all():
            raise ValueError(f"a sample is {PIXELS} numbers from 0 to {BRIGHTEST:g}")
        return samples

    def _answer(self, status: HTTPStatus, content: dict[str, object]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> int:
    """Load, listen, say where, and wait for the signal to stop."""
    network = Network.load(Path(sys.argv[1] if len(sys.argv) > 1 else "network.npz"))
    stopped = threading.Event()
    for number in STOPPING:
        signal.signal(number, lambda *_: stopped.set())
    with Server(int(os.environ.get("SUANLI_PORT", "0")), network) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        host, port = server.server_address[:2]
        staged = Path("endpoint.json.part")
        staged.write_text(json.dumps({"url": f"http://{host!s}:{port}", "host": host, "port": port}) + "\n")
        staged.replace("endpoint.json")
        print(f"serving on http://{host!s}:{port}", flush=True)
        stopped.wait()
        print("stopping", flush=True)
        server.shutdown()
        thread.join()
    return 0


if __name__ == "__main__":
    sys.exit(main())
