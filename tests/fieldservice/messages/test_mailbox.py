"""Reading a real IMAP mailbox: each e-mail is taken in, none twice, none is lost when something fails."""

from __future__ import annotations

import imaplib
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import pytest

from fieldservice.config import SettingError
from fieldservice.messages.mail_in import LARGEST_MAIL
from fieldservice.messages.mailbox import Mailbox, MailboxDown
from tests.fieldservice.notify.letters import hostile, letter
from tests.imap import imap_server
from tests.services import free_port


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """An IMAP server."""
    with imap_server() as url:
        yield url


@pytest.fixture
def box(server: str) -> Iterator[imaplib.IMAP4]:
    """The mailbox as a person's mail program sees it, empty."""
    parts = urlsplit(server)
    with imaplib.IMAP4(str(parts.hostname), parts.port or 0) as box:
        box.login(str(parts.username), unquote(parts.password or ""))
        box.select("INBOX")
        box.uid("STORE", "1:*", "+FLAGS", r"(\Deleted)")
        box.expunge()
        yield box


def arrive(box: imaplib.IMAP4, *letters: bytes) -> None:
    """E-mails that were delivered."""
    for raw in letters:
        box.append("INBOX", "", None, raw)  # type: ignore[arg-type]  # None is now, says its documentation


def read(server: str, largest: int = LARGEST_MAIL) -> list[bytes]:
    """What one look hands over."""
    found: list[bytes] = []
    Mailbox.from_url(server).read(found.append, today=datetime.now(UTC).date(), largest=largest)
    return found


def test_each_is_handed_over_once_with_its_bytes(server: str, box: imaplib.IMAP4) -> None:
    """In order and byte for byte, hostile ones too, read by a person or not, and left where they are."""
    lines = hostile(3).replace(b"\x00", b"").splitlines()
    letters = [letter("One"), b"\r\n".join([*lines, b""]), letter("Two")]
    arrive(box, *letters)
    box.uid("STORE", "1:*", "+FLAGS", r"(\Seen)")
    assert read(server) == letters
    assert read(server) == []
    arrive(box, letter("Three"))
    assert read(server) == [letter("Three")]
    box.noop()
    _, (found,) = box.uid("SEARCH", "ALL")
    assert len(found.split()) == 4


def test_one_that_cannot_be_taken_in_stops_no_other(server: str, box: imaplib.IMAP4) -> None:
    """The error is raised after all the others were handed over, and that one alone comes again."""
    arrive(box, letter("One"), letter("Two"))
    taken: list[bytes] = []

    def fail_first(raw: bytes) -> None:
        if raw == letter("One"):
            raise RuntimeError
        taken.append(raw)

    with pytest.raises(RuntimeError):
        Mailbox.from_url(server).read(fail_first, today=datetime.now(UTC).date(), largest=LARGEST_MAIL)
    assert taken == [letter("Two")]
    assert read(server) == [letter("One")]


def test_what_failed_comes_again(server: str, box: imaplib.IMAP4) -> None:
    """An e-mail is marked after it was taken in: one that could not be is there the next time."""
    arrive(box, letter("One"), letter("Two"))

    def fail(_raw: bytes) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        Mailbox.from_url(server).read(fail, today=datetime.now(UTC).date(), largest=LARGEST_MAIL)
    assert read(server) == [letter("One"), letter("Two")]


def test_one_that_is_too_large_stops_nothing(server: str, box: imaplib.IMAP4) -> None:
    """Its beginning is handed over, and the others come."""
    arrive(box, letter("x" * 70 + "\n" + "y" * 5000), letter("Two"))
    large, other = read(server, largest=1000)
    assert len(large) == 1000
    assert other == letter("Two")
    assert read(server, largest=1000) == []


def test_a_server_that_is_away_is_a_sentence(server: str) -> None:
    """Nobody listens, or the password is wrong: said without the password, and no trace of anything else."""
    for url in (f"imap://a:hunter2@127.0.0.1:{free_port()}", server.replace("only", "hunter2")):
        with pytest.raises(MailboxDown) as error:
            read(url)
        assert "hunter2" not in str(error.value)
    for url in ("http://a@b", "imap://b/INBOX", "imaps://"):
        with pytest.raises(SettingError, match="FIELDSERVICE_IMAP_URL"):
            Mailbox.from_url(url)
