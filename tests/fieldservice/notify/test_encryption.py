"""Encrypted connections: used when offered, and only with a server that can prove its name."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from fieldservice.notify.errors import Unavailable
from fieldservice.notify.smtp import SmtpMailer
from tests.fieldservice.notify.conftest import MakeMail
from tests.services import free_port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody trusts yet, with its key in the same file."""
    folder = tmp_path_factory.mktemp("certificate")
    both, key = folder / "both.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command, *names, "-keyout", key, "-out", both], check=True, capture_output=True)
    both.write_bytes(both.read_bytes() + key.read_bytes())
    return both


class EncryptedServer:
    """Offers STARTTLS, or speaks TLS from the start, and remembers who logged in how."""

    def __init__(self, certificate: Path, *, from_the_start: bool) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self.received: list[tuple[bool, str]] = []
        self.login = b""
        options: dict[str, Any] = {"authenticator": self._check}
        if from_the_start:
            options |= {"ssl_context": context, "auth_require_tls": False}
        else:
            options |= {"tls_context": context, "require_starttls": True}
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port(), **options)

    def _check(
        self, _server: Any, _session: Session, _envelope: Envelope, _how: str, data: Any
    ) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.login = data.login
        return AuthResult(success=data.password == b"se:cret/", handled=False)

    async def handle_DATA(self, _server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep who wrote to whom, and whether the line was encrypted."""
        encrypted = self.controller.ssl_context is not None or session.ssl is not None
        self.received.append((encrypted, envelope.rcpt_tos[0]))
        return "250 OK"


@contextmanager
def running(certificate: Path, *, from_the_start: bool) -> Iterator[tuple[EncryptedServer, str]]:
    """The server and its address with a login."""
    server = EncryptedServer(certificate, from_the_start=from_the_start)
    server.controller.start()
    scheme = "smtps" if from_the_start else "smtp"
    yield server, f"{scheme}://office:se%3Acret%2F@127.0.0.1:{server.controller.port}"
    server.controller.stop()


@pytest.mark.parametrize("from_the_start", [True, False])
def test_a_trusted_server_gets_login_and_mail_encrypted(
    certificate: Path, make_mail: MakeMail, monkeypatch: pytest.MonkeyPatch, from_the_start: bool
) -> None:
    """With `smtps`, and with `smtp` as soon as STARTTLS is offered."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running(certificate, from_the_start=from_the_start) as (server, url):
        with SmtpMailer.from_url(url).open() as post:
            post.send(make_mail())
            post.send(make_mail(key="another"))
        assert server.login == b"office"
        assert server.received == [(True, "rosa@example.com")] * 2


@pytest.mark.parametrize("from_the_start", [True, False])
def test_a_server_that_cannot_prove_its_name_gets_neither_password_nor_mail(
    certificate: Path, make_mail: MakeMail, from_the_start: bool
) -> None:
    """A certificate that nobody signed ends the connection; the messages wait."""
    with running(certificate, from_the_start=from_the_start) as (server, url):
        with SmtpMailer.from_url(url).open() as post, pytest.raises(Unavailable, match="CERTIFICATE_VERIFY"):
            post.send(make_mail())
        assert (server.login, server.received) == (b"", [])


def test_a_wrong_password_makes_the_messages_wait(
    certificate: Path, make_mail: MakeMail, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No message is to blame for a login that fails, and the fault does not repeat the password."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with running(certificate, from_the_start=False) as (_, url):
        mailer = SmtpMailer.from_url(url.replace("se%3Acret", "guessed"))
        with mailer.open() as post, pytest.raises(Unavailable, match="535") as refused:
            post.send(make_mail())
    assert "guessed" not in str(refused.value)
