"""Mail, handed to a server that takes it for delivery (RFC 5321, RFC 6409)."""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from enum import StrEnum
from pathlib import Path

from suanli.model.errors import InvalidRequestError, MessageRefusedError, NotifierUnavailableError
from suanli.ports.notify import Message

_TIMEOUT_S = 20.0
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=.{1,253}\Z)[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*")
"""What HTML takes for a mail address: no quoted local parts, no comments, no route, nothing that needs escaping."""


class Security(StrEnum):
    """NONE speaks in the clear, STARTTLS changes to TLS before anything is said, TLS begins with it."""

    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed over, and as whom. ``password_file`` is read anew each time; its content is never logged."""

    host: str
    port: int
    security: Security
    sender: str
    user: str = ""
    password_file: Path | None = None


class SmtpNotifier:
    """Sends each message by itself, over a connection of its own (port ``Notifier``)."""

    def __init__(self, server: MailServer, tls: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._tls = tls or ssl.create_default_context()

    def check(self, address: str) -> None:
        if not _ADDRESS.fullmatch(address):
            raise InvalidRequestError("address", f"{address!r} is no mail address", "such as ann@example.org")

    def route(self, address: str) -> str:  # noqa: ARG002  all mail goes by one server
        return "mail"

    def send(self, message: Message) -> None:
        mail = EmailMessage(policy=policy.SMTP)
        mail["From"], mail["To"], mail["Subject"] = self._server.sender, message.address, message.subject
        mail["Date"], mail["Message-ID"] = formatdate(), make_msgid("suanli", self._server.sender.rpartition("@")[2])
        # Answers of machines (out of office) would go to a mailbox that nobody reads.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text)
        try:
            with self._connected() as server:
                server.send_message(mail)
        except smtplib.SMTPRecipientsRefused as error:
            raise _refusal(message.address, *next(iter(error.recipients.values()))) from error
        except smtplib.SMTPResponseException as error:
            raise _refusal(message.address, error.smtp_code, error.smtp_error) from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotifierUnavailableError(f"the mail server does not take mail now: {error}") from error

    def _connected(self) -> smtplib.SMTP:
        host, port = self._server.host, self._server.port
        if self._server.security is Security.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_S, context=self._tls)
        else:
            server = smtplib.SMTP(host, port, timeout=_TIMEOUT_S)
        try:
            if self._server.security is Security.STARTTLS:
                server.starttls(context=self._tls)
            if self._server.user and self._server.password_file is not None:
                server.login(self._server.user, self._server.password_file.read_text(encoding="utf-8").strip())
        except BaseException:
            server.close()
            raise
        return server


def _refusal(address: str, code: int, said: bytes | str) -> MessageRefusedError | NotifierUnavailableError:
    """Codes of 500 and more are for good, except that a login may be put right (RFC 4954)."""
    words = said.decode(errors="replace") if isinstance(said, bytes) else said
    kind = MessageRefusedError if code >= 500 and code not in {530, 534, 535, 538} else NotifierUnavailableError
    return kind(f"the mail server does not take mail for {address}: {code} {words}")
