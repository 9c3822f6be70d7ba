"""Those who take messages in the tests: a real mail server and a real web service, on this machine."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword


class Mailbox:
    """Handler of aiosmtpd: keeps mail, refuses one recipient, and may be told that now is not the time."""

    def __init__(self) -> None:
        self.mail: list[Any] = []
        self.recipients: list[str] = []
        self.falters = False

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.falters:
            return "450 4.2.0 try again"
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.mail.append(message_from_bytes(envelope.content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@contextmanager
def mail_server(
    port: int, tls: ssl.SSLContext | None = None, login: tuple[str, str] | None = None
) -> Iterator[tuple[Mailbox, Controller]]:
    """A mail server on this port; with ``tls`` it demands STARTTLS, with ``login`` a user and a password."""

    def authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
        wanted = login is not None and isinstance(given, LoginPassword) and tuple(map(bytes.decode, given)) == login
        return AuthResult(success=wanted, handled=False)

    box = Mailbox()
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=port,
        tls_context=tls,
        require_starttls=tls is not None,
        authenticator=authenticate,
        auth_required=login is not None,
        auth_require_tls=True,
    )
    controller.start()
    try:
        yield box, controller
    finally:
        if controller.loop.is_running():
            controller.stop()


class WebService(ThreadingHTTPServer):
    """Keeps what is posted to it."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(("127.0.0.1", 0), _Post)
        self.posted: list[tuple[str, dict[str, Any]]] = []
        self.falters = False
        self.socket = tls.wrap_socket(self.socket, server_side=True)


class _Post(BaseHTTPRequestHandler):
    server: WebService

    def do_POST(self) -> None:
        content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        status = (
            503 if self.server.falters else 302 if self.path == "/elsewhere" else 410 if self.path == "/gone" else 204
        )
        if status == 204:
            self.server.posted.append((self.path, content))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/hook")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


@contextmanager
def web_service(tls: ssl.SSLContext) -> Iterator[WebService]:
    """A web service on a free port."""
    service = WebService(tls)
    thread = threading.Thread(target=service.serve_forever)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        service.server_close()
        thread.join()


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's TLS with a certificate of its own for 127.0.0.1, and a client's that trusts it."""
    key, made = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(
        (
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(made), "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1"),
        ),
        check=True,
        capture_output=True,
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made, key)
    return server, ssl.create_default_context(cafile=str(made))
