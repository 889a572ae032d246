"""What is on the wire: headers that nobody can break, parts that every reader finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from hypothesis import given
from hypothesis import strategies as st

from fieldservice.config import SettingError, Settings
from fieldservice.notify import open_channels
from fieldservice.notify.errors import Permanent, Unavailable
from fieldservice.notify.mail import Mail, compose, one_line
from fieldservice.notify.mailers import FileMailer
from fieldservice.notify.sms import FileSms, NoSms, Text
from fieldservice.notify.smtp import SmtpMailer
from tests.fieldservice.notify.conftest import WRITTEN_AT, MakeMail
from tests.services import SmtpSink, free_port


def read(content: bytes) -> EmailMessage:
    """The message as a mail program parses it."""
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return message


@pytest.mark.parametrize("field", ["recipient_name", "sender_name", "subject"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\x0b", "\x1c", "\x85", "\u2028", "\x00"])
def test_a_line_end_in_a_name_or_subject_cannot_add_a_header(
    make_mail: MakeMail, field: str, end: str
) -> None:
    """Whatever stands for a line end becomes a blank: no second recipient, no second header."""
    evil = f"Rosa{end}Bcc: victim@example.com{end}{end}<script>"
    content = compose(make_mail(**{field: evil})).as_bytes()
    message = read(content)
    assert message["Bcc"] is None
    assert [str(address) for address in message["To"].addresses] == [
        str(address) for address in compose(make_mail(**{field: evil}))["To"].addresses
    ]
    assert message["To"].addresses[0].addr_spec == "rosa@example.com"
    assert sorted(message.keys()) == sorted(read(compose(make_mail()).as_bytes()).keys())


@given(name=st.text(st.characters(exclude_categories=["Cs"]), max_size=60), subject=st.text(max_size=120))
def test_any_name_and_subject_arrive_or_are_cleaned(name: str, subject: str) -> None:
    """For every text there is a message with exactly one recipient, and one_line is what arrives."""
    mail = Mail(
        key="k",
        sender_name=name,
        sender="office@example.com",
        recipient_name=name,
        recipient="rosa@example.com",
        written_at=WRITTEN_AT,
        subject=subject,
        text="t",
        html="h",
    )
    message = read(compose(mail).as_bytes())
    (recipient,) = message["To"].addresses
    assert recipient.addr_spec == "rosa@example.com"
    assert "\n" not in message["Subject"]
    assert one_line(one_line(name)) == one_line(name)


@pytest.mark.parametrize(
    "address", ["", "rosa", "rosa@", "@x", "a b@x", "a@x\r\nBcc: b@x", "a@x\n", "a\x00@x"]
)
def test_what_is_no_address_is_refused(make_mail: MakeMail, address: str) -> None:
    """A mail to nowhere cannot even be made."""
    with pytest.raises(Permanent):
        make_mail(recipient=address)


def test_the_message_id_is_whole_and_belongs_to_the_key(make_mail: MakeMail) -> None:
    """The same message has the same identifier on every try, another one has another; no colon cuts it."""
    first, again, other = (
        compose(make_mail(key=key, text=text))["Message-ID"]
        for key, text in (("a:p1", "x"), ("a:p1", "y"), ("a:p2", "x"))
    )
    assert first == again != other
    assert len(first) == len("<@example.com>") + 32


def test_a_file_per_message_however_often_it_is_sent(make_mail: MakeMail, tmp_path: Path) -> None:
    """Sending again replaces the file; nothing half-written stays behind."""
    mailer = FileMailer(tmp_path / "outbox")
    with mailer.open() as post:
        post.send(make_mail(text="first"))
        post.send(make_mail(text="second"))
    (file,) = (tmp_path / "outbox").iterdir()
    assert file.name == "HH-7K2M9Q_p1_confirmation_email.eml"
    assert "second" in read(file.read_bytes()).get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_a_folder_that_cannot_be_written_is_the_channels_fault(make_mail: MakeMail, tmp_path: Path) -> None:
    """With a full or missing disk no message is to blame, so it waits."""
    (tmp_path / "outbox").write_text("a file where the folder should be")
    with pytest.raises(Unavailable):
        FileMailer(tmp_path / "outbox").send(make_mail())
    with pytest.raises(Unavailable):
        FileSms(tmp_path / "outbox").send(Text(key="k", recipient="+1", text="hello"))


@pytest.mark.parametrize(
    ("url", "host", "port", "encrypted", "user", "password"),
    [
        ("smtp://mail.example.com", "mail.example.com", 25, False, "", ""),
        ("smtp://u%40x:p%2F%3Aq@mail.example.com", "mail.example.com", 587, False, "u@x", "p/:q"),
        ("smtps://u:p@mail.example.com", "mail.example.com", 465, True, "u", "p"),
        ("smtp://[::1]:2525", "::1", 2525, False, "", ""),
    ],
)
def test_addresses_of_servers(
    url: str, host: str, port: int, encrypted: bool, user: str, password: str
) -> None:
    """Ports have their usual defaults; a password may hold any character."""
    assert SmtpMailer.from_url(url) == SmtpMailer(host, port, encrypted, user, password)


@pytest.mark.parametrize("url", ["mail.example.com", "http://x", "smtp://", "smtp://user:secret@host:99999"])
def test_a_wrong_address_of_a_server_is_refused_without_repeating_it(url: str) -> None:
    """The fault names the setting, never the value, which may hold a password."""
    with pytest.raises(SettingError, match="FIELDSERVICE_SMTP_URL") as refused:
        open_channels(Settings(smtp_url=url))
    assert "secret" not in str(refused.value)


def test_a_password_is_not_shown_and_not_sent_in_the_clear(make_mail: MakeMail, sink_far_away: str) -> None:
    """Neither the mailer's text nor an unencrypted connection to another machine gives the password away."""
    mailer = SmtpMailer.from_url(sink_far_away)
    assert "secret" not in repr(mailer)
    with mailer.open() as post, pytest.raises(Unavailable, match="password was not sent"):
        post.send(make_mail())


def test_the_channels_that_the_settings_name(tmp_path: Path) -> None:
    """Files unless a server is named; texts can be switched off."""
    files = open_channels(Settings(data_dir=tmp_path))
    assert (files.email, files.sms) == (FileMailer(tmp_path / "outbox"), FileSms(tmp_path / "sms"))
    server = open_channels(Settings(smtp_url="smtp://mail.example.com", sms_gateway="none"))
    assert isinstance(server.email, SmtpMailer)
    assert server.sms == NoSms()


def test_an_address_in_another_script_needs_a_server_that_knows_it(make_mail: MakeMail) -> None:
    """It arrives as it was written where the server can (RFC 6531), and is given up where it cannot."""
    mail = make_mail(recipient="björn@exämple.com")
    with SmtpSink() as sink, SmtpMailer.from_url(sink.url).open() as post:
        post.send(mail)
    assert sink.recipients == ["björn@exämple.com"]
    with _old_server() as url, SmtpMailer.from_url(url).open() as post:
        with pytest.raises(Permanent, match="ASCII"):
            post.send(mail)
        post.send(make_mail())


@pytest.fixture
def sink_far_away(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server without encryption under a name that is not known to be this machine."""
    with SmtpSink() as sink:
        monkeypatch.setattr("fieldservice.notify.smtp._THIS_MACHINE", ())
        yield sink.url.replace("smtp://", "smtp://user:secret@")


@contextmanager
def _old_server() -> Iterator[str]:
    server = Controller(Sink(), hostname="127.0.0.1", port=free_port(), enable_SMTPUTF8=False)
    server.start()
    yield f"smtp://127.0.0.1:{server.port}"
    server.stop()
