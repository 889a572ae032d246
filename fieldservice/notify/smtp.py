"""Delivery to an SMTP server, one connection for many e-mails."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import unquote, urlsplit

from fieldservice.config import SettingError, variable
from fieldservice.notify.errors import NotDelivered, Permanent, Temporary, Unavailable, Unknown
from fieldservice.notify.mail import Mail, compose

# How often one send can wait for the server: both addresses of its name, greeting, EHLO twice, STARTTLS,
# handshake, three for the login, MAIL on an old and on a new connection, RCPT, RSET, DATA, text, receipt.
_WAITS = 17
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_CLOSING = 421


@dataclass(frozen=True)
class SmtpMailer:
    """An SMTP server; encrypted from the start (`smtps`) or as soon as the server offers it."""

    host: str
    port: int
    encrypted: bool = False
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: timedelta = timedelta(seconds=10)

    @classmethod
    def from_url(cls, url: str) -> SmtpMailer:
        """Read `smtp://user:password@host:port` or `smtps://…`; raises SettingError for anything else."""
        parts = urlsplit(url)
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host = port = None
        if parts.scheme not in ("smtp", "smtps") or not host:
            # The value is not repeated, since it may hold a password.
            raise SettingError(f"{variable('smtp_url')}: not of the form smtp://user:password@host:port")
        encrypted = parts.scheme == "smtps"
        user = unquote(parts.username or "")
        usual = 465 if encrypted else 587 if user else 25
        return cls(host, port or usual, encrypted, user, unquote(parts.password or ""))

    @property
    def longest_send(self) -> timedelta:
        """After this time a `send` has returned or raised."""
        return _WAITS * self.timeout

    @contextmanager
    def open(self) -> Iterator[SmtpPost]:
        """A connection that the first e-mail opens and the end of the block closes."""
        post = SmtpPost(self)
        try:
            yield post
        finally:
            post.close()

    def connect(self, greeting_name: str) -> smtplib.SMTP:
        """Connect, encrypt and log in; raises Unavailable when one of them fails."""
        smtp: smtplib.SMTP | None = None
        try:
            smtp = self._reach(greeting_name)
            smtp.ehlo_or_helo_if_needed()
            if not self.encrypted and smtp.has_extn("starttls"):
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo_or_helo_if_needed()
            self._log_in(smtp)
        except (OSError, smtplib.SMTPException) as error:
            if smtp is not None:
                smtp.close()
            raise Unavailable(f"{self.host}:{self.port}: {_words(error)}") from error
        return smtp

    def _reach(self, greeting_name: str) -> smtplib.SMTP:
        seconds = self.timeout.total_seconds()
        if self.encrypted:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, greeting_name, timeout=seconds, context=context)
        return smtplib.SMTP(self.host, self.port, greeting_name, timeout=seconds)

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        if not self.user:
            return
        if not isinstance(smtp.sock, ssl.SSLSocket) and self.host not in _THIS_MACHINE:
            raise smtplib.SMTPNotSupportedError("no encryption is offered, so the password was not sent")
        smtp.login(self.user, self.password)


class SmtpPost:
    """One connection to a server, made when it is needed and made anew when the server has closed it."""

    def __init__(self, server: SmtpMailer) -> None:
        self._server = server
        self._smtp: smtplib.SMTP | None = None

    def send(self, mail: Mail) -> None:
        """Return when the server has taken responsibility; raises one of `notify.errors`."""
        content = compose(mail).as_bytes()
        smtp = self._begin(mail)
        try:
            self._require(*smtp.rcpt(mail.recipient))
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Unavailable(_words(error)) from error
        try:
            self._require(*smtp.data(content))
        except smtplib.SMTPDataError as error:
            self._require(error.smtp_code, error.smtp_error)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Unknown(_words(error)) from error

    def close(self) -> None:
        """Take leave of the server, if it still listens."""
        if self._smtp is not None:
            with suppress(OSError, smtplib.SMTPException):
                self._smtp.quit()
            self._smtp.close()
            self._smtp = None

    def _begin(self, mail: Mail) -> smtplib.SMTP:
        if self._smtp is not None:
            # A server may close a connection after some time or some e-mails; the next one may work.
            with suppress(Unavailable):
                return self._name_sender(self._smtp, mail)
        self._smtp = self._server.connect(mail.sender.rpartition("@")[2])
        return self._name_sender(self._smtp, mail)

    def _name_sender(self, smtp: smtplib.SMTP, mail: Mail) -> smtplib.SMTP:
        options = []
        if mail.international:
            if not smtp.has_extn("smtputf8"):
                raise Permanent("the server accepts no address outside ASCII")
            options = ["SMTPUTF8", "BODY=8BITMIME"]
        try:
            code, reply = smtp.mail(mail.sender, options)
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise Unavailable(_words(error)) from error
        if code != 250:
            # The sender is the company itself: a refusal is a matter of set-up, no message is to blame.
            self._drop()
            raise Unavailable(_reply(code, reply))
        return smtp

    def _require(self, code: int, reply: bytes | str) -> None:
        if 200 <= code < 300:
            return
        if code == _CLOSING:
            self._drop()
            raise Unavailable(_reply(code, reply))
        self._reset()
        refusal: type[NotDelivered] = Permanent if code >= 500 else Temporary
        raise refusal(_reply(code, reply))

    def _reset(self) -> None:
        try:
            if self._smtp is not None:
                self._smtp.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def _reply(code: int, reply: bytes | str) -> str:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply
    return f"{code} {' '.join(text.split())}"[:300]


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"[:300]
