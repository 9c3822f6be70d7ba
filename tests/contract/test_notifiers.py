"""Notifiers: the contract over each, and what is each one's own."""

from __future__ import annotations

import logging
import shutil
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bench.rig.processes import free_ports
from suanli.adapters.notify.by_address import ByAddress
from suanli.adapters.notify.none import NoNotifier
from suanli.adapters.notify.smtp import MailServer, Security, SmtpNotifier
from suanli.adapters.notify.webhook import WebhookNotifier
from suanli.model.errors import (
    InvalidRequestError,
    MessageRefusedError,
    NotifierUnavailableError,
    UnsupportedError,
)
from suanli.testing.fake_notifier import FakeNotifier
from suanli.testing.notifier_contract import NotifierContract, Receiver, message
from tests.contract.receiving import Mailbox, WebService, certificate, mail_server, web_service

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl, to make certificates, is not here")
INJECTIONS = ("ann@example.org\r\nBcc: eve@example.org", "ann@example.org, eve@example.org", "<ann@example.org>", "ann")


def server(port: int, **changes: object) -> MailServer:
    kept = {"host": "127.0.0.1", "port": port, "security": Security.NONE, "sender": "suanli@example.org", **changes}
    return MailServer(**kept)  # type: ignore[arg-type]


class Mail:
    """A mailbox behind a notifier."""

    good, bad, malformed = "ann@example.org", "nobody@example.org", INJECTIONS

    def __init__(self, ending: ExitStack) -> None:
        [port] = free_ports(1)
        self.box, self._controller = ending.enter_context(mail_server(port))
        self.notifier = SmtpNotifier(server(port))

    def received(self) -> list[tuple[str, str]]:
        return [(str(mail["Subject"]), mail.get_content().replace("\r\n", "\n")) for mail in self.box.mail]

    def falter(self) -> None:
        self.box.falters = True

    def vanish(self) -> None:
        self._controller.stop()


class Web:
    """A web service behind a notifier."""

    malformed = (
        "http://127.0.0.1/hook",
        "https://ann@127.0.0.1/hook",
        "https:///hook",
        "https://127.0.0.1/a b",
    )

    def __init__(self, ending: ExitStack, folder: Path) -> None:
        tls, trusting = certificate(folder)
        self._ending = ending.enter_context(ExitStack())
        self.service: WebService = self._ending.enter_context(web_service(tls))
        host = f"127.0.0.1:{self.service.server_port}"
        self.notifier = WebhookNotifier([host], trusting)
        self.good, self.bad = f"https://{host}/hook?of=ann", f"https://{host}/gone"
        self.elsewhere = f"https://{host}/elsewhere"

    def received(self) -> list[tuple[str, str]]:
        return [(content["subject"], content["text"]) for _, content in self.service.posted]

    def falter(self) -> None:
        self.service.falters = True

    def vanish(self) -> None:
        self._ending.close()


class Memory:
    """The fake."""

    good, bad, malformed = "ann@here", "nobody@here", ("ann",)

    def __init__(self) -> None:
        self.notifier = FakeNotifier(refused={self.bad})

    def received(self) -> list[tuple[str, str]]:
        return [(sent.subject, sent.text) for sent in self.notifier.sent]

    def falter(self) -> None:
        self.notifier.out_of_order.add("here")

    def vanish(self) -> None: ...


@pytest.fixture
def mail() -> Iterator[Mail]:
    with ExitStack() as ending:
        yield Mail(ending)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    with ExitStack() as ending:
        yield Web(ending, tmp_path)


class TestMail(NotifierContract):
    @pytest.fixture
    def receiver(self, mail: Mail) -> Receiver:
        return mail

    def test_it_is_of_the_center_and_of_a_machine(self, mail: Mail) -> None:
        mail.notifier.send(message("ann@example.org"))
        [taken] = mail.box.mail
        assert (taken["From"], taken["To"], taken["Auto-Submitted"]) == (
            "suanli@example.org",
            "ann@example.org",
            "auto-generated",
        )
        assert taken["Message-ID"].endswith("@example.org>")
        assert taken["Date"]

    def test_a_line_feed_in_a_subject_makes_no_header(self, mail: Mail) -> None:
        with pytest.raises(ValueError, match="Header"):
            mail.notifier.send(message("ann@example.org", subject="x\r\nBcc: eve@example.org"))
        assert mail.box.recipients == []


@needs_openssl
class TestWeb(NotifierContract):
    @pytest.fixture
    def receiver(self, web: Web) -> Receiver:
        return web

    def test_names_and_values_are_there_beside_the_text(self, web: Web) -> None:
        web.notifier.send(message(web.good))
        [(path, content)] = web.service.posted
        assert path == "/hook?of=ann"
        assert (content["workload"], content["state"]) == (7, "completed")

    def test_a_redirect_is_not_followed(self, web: Web) -> None:
        with pytest.raises(MessageRefusedError, match="302"):
            web.notifier.send(message(web.elsewhere))
        assert web.service.posted == []

    def test_other_hosts_and_other_ports_are_never_spoken_to(self, web: Web) -> None:
        for address in ("https://localhost/hook", "https://127.0.0.1/hook", "https://169.254.169.254/"):
            with pytest.raises(UnsupportedError):
                web.notifier.check(address)
            with pytest.raises(MessageRefusedError):
                web.notifier.send(message(address))

    def test_a_stranger_with_the_hosts_name_is_not_told(self, web: Web) -> None:
        distrusting = WebhookNotifier([web.notifier.route(web.good)])
        with pytest.raises(NotifierUnavailableError, match="certificate"):
            distrusting.send(message(web.good))
        assert web.service.posted == []


class TestFake(NotifierContract):
    @pytest.fixture
    def receiver(self) -> Receiver:
        return Memory()


@needs_openssl
class TestSecureMail:
    """TLS and logins."""

    @pytest.fixture
    def tls(self, tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
        return certificate(tmp_path)

    @pytest.fixture
    def box(self, tls: tuple[ssl.SSLContext, ssl.SSLContext]) -> Iterator[tuple[Mailbox, int]]:
        [port] = free_ports(1)
        with mail_server(port, tls[0], ("center", "very secret")) as (box, _):
            yield box, port

    def test_it_logs_in_over_tls(
        self, box: tuple[Mailbox, int], tls: tuple[ssl.SSLContext, ssl.SSLContext], tmp_path: Path
    ) -> None:
        secret = tmp_path / "password"
        secret.write_text("very secret\n")
        login = {"user": "center", "password_file": secret, "security": Security.STARTTLS}
        SmtpNotifier(server(box[1], **login), tls[1]).send(message("ann@example.org"))
        assert box[0].recipients == ["ann@example.org"]

    def test_a_wrong_password_may_be_put_right_and_is_never_told(
        self,
        box: tuple[Mailbox, int],
        tls: tuple[ssl.SSLContext, ssl.SSLContext],
        tmp_path: Path,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        secret = tmp_path / "password"
        secret.write_text("open sesame")
        login = {"user": "center", "password_file": secret, "security": Security.STARTTLS}
        caplog.set_level(logging.DEBUG)
        with pytest.raises(NotifierUnavailableError) as caught:
            SmtpNotifier(server(box[1], **login), tls[1]).send(message("ann@example.org"))
        assert "sesame" not in str(caught.value) + caplog.text
        assert box[0].recipients == []

    def test_a_server_of_another_name_gets_nothing(self, box: tuple[Mailbox, int]) -> None:
        with pytest.raises(NotifierUnavailableError, match="certificate"):
            SmtpNotifier(server(box[1], security=Security.STARTTLS)).send(message("ann@example.org"))
        assert box[0].recipients == []


def test_a_center_without_notifier_says_so() -> None:
    for address in ("ann@example.org", "https://example.org/hook"):
        with pytest.raises(UnsupportedError, match="sends nothing"):
            NoNotifier().check(address)
        with pytest.raises(MessageRefusedError):
            NoNotifier().send(message(address))


def test_each_kind_of_address_has_its_notifier() -> None:
    mail = FakeNotifier()
    both = ByAddress(mail=mail, web=WebhookNotifier(["example.org"]))
    both.check("ann@example.org")
    both.check("https://example.org/hook")
    with pytest.raises(InvalidRequestError):
        both.check("http://example.org/hook")
    both.send(message("ann@example.org"))
    assert [sent.address for sent in mail.sent] == ["ann@example.org"]
    assert both.route("https://example.org/hook") == "example.org"
