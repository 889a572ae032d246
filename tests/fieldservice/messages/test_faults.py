"""Mail servers that refuse, hang, break off or are away: nothing is lost, nothing is sent without need."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from fieldservice.db import Database
from fieldservice.messages import service
from fieldservice.models import MessageState, OutboxMessage
from fieldservice.notify.errors import Permanent, Temporary
from fieldservice.notify.smtp import SmtpMailer
from tests.factories import NOW
from tests.fieldservice.messages.conftest import WINDOW, Book, Sender, change, messages_of
from tests.services import SmtpSink, free_port

MINUTE = timedelta(minutes=1)


def test_a_message_that_is_put_off_comes_later_under_the_same_id(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """After two 451 the third try is accepted; the pauses grow and the Message-ID stays."""
    seen = []
    visit = book("busy@example.com")
    sink.refuse("busy@example.com", "451 try later", times=2)
    for tries, now in enumerate((NOW, NOW + MINUTE), start=1):
        assert sender.sweep(now).delayed == 1
        message = messages_of(db, visit)[0]
        pause = timedelta(seconds=30) * 2 ** (tries - 1)
        assert message.attempts == tries
        assert 0.5 * pause <= message.next_at - now <= 1.5 * pause + timedelta(seconds=5)
        assert sender.sweep(now).sent == 0  # not before its time
        seen.append(message.last_error)
    assert sender.sweep(NOW + 5 * MINUTE).sent == 1
    assert seen == ["Temporary: 451 try later"] * 2
    assert len(sink.messages) == 1


def test_after_five_refusals_a_message_is_given_up(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """The fifth 451 makes it dead, and later sweeps leave it alone."""
    visit = book("busy@example.com")
    sink.refuse("busy@example.com", "451 try later")
    results = [sender.sweep(NOW + n * 15 * MINUTE) for n in range(7)]
    assert [(result.delayed, result.dead) for result in results] == [(1, 0)] * 4 + [(0, 1)] + [(0, 0)] * 2
    assert messages_of(db, visit)[0].state == MessageState.DEAD


def test_a_gateway_that_says_when_to_come_back_is_not_asked_before(
    db: Database, sender: Sender, book: Book
) -> None:
    """A longer wait that the channel asks for replaces our own."""

    class _Busy:
        """Wants to be left alone for ten minutes."""

        longest_send = timedelta(seconds=1)
        knows_keys = True

        def send(self, _text: Any) -> None:
            raise Temporary("429", retry_after=10 * MINUTE)

    sender.channels = replace(sender.channels, sms=_Busy())
    visit = book(email="", phone="+14105550187")
    assert sender.sweep().delayed == 1
    assert messages_of(db, visit)[0].next_at >= NOW + 10 * MINUTE


def test_an_address_that_does_not_exist_is_given_up_at_once_and_hinders_nobody(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """550 is final after one try; the customers before and after it get their e-mail all the same."""
    sink.refuse("gone@example.com", "550 unknown")
    for address in ("first@example.com", "gone@example.com", "last@example.com"):
        visit = book(address)
    assert sender.sweep() == service.SweepResult(sent=2, dead=1)
    assert sink.recipients == ["first@example.com", "last@example.com"]
    assert messages_of(db, visit)[0].state == MessageState.SENT


@pytest.mark.parametrize(
    "address", ["nobody", "a b@example.com", "x@y\r\nBcc: z@example.com", "@example.com"]
)
def test_what_is_no_address_is_given_up_without_asking_the_server(
    db: Database, sender: Sender, sink: SmtpSink, book: Book, address: str
) -> None:
    """A wrong address in a row can neither stop the sweep nor reach the server."""
    visit = book(address)
    book("rosa@example.com")
    assert sender.sweep() == service.SweepResult(sent=1, dead=1)
    assert messages_of(db, visit)[0].last_error.startswith("Permanent: not an e-mail address")
    assert sink.recipients == ["rosa@example.com"]


def test_a_server_that_hangs_costs_one_wait_per_sweep_and_no_try(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """The sweep gives up on the channel, not on the messages; later all of them arrive, each once."""
    visits = [book(f"customer{n}@example.com") for n in range(3)]
    for n in range(3):
        sink.hang(f"customer{n}@example.com", 2)
    for n in range(6):
        assert sender.sweep(NOW + n * MINUTE).delayed == 1
    assert sink.messages == []
    assert [messages_of(db, visit)[0].attempts for visit in visits] == [0, 0, 0]
    for n in range(3):
        sink.hang(f"customer{n}@example.com", 0)
    assert sender.sweep(NOW + 10 * MINUTE).sent == 3
    assert sorted(sink.recipients) == [f"customer{n}@example.com" for n in range(3)]


def test_a_server_that_is_away_for_ten_minutes_loses_nothing(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """While nobody listens no message loses a try; texts, on their own channel, go out meanwhile."""
    present = sender.channels
    away = replace(SmtpMailer.from_url(f"smtp://127.0.0.1:{free_port()}"), timeout=timedelta(seconds=0.5))
    sender.channels = replace(present, email=away)
    visits = [book(f"customer{n}@example.com", phone="+14105550187") for n in range(3)]
    first = sender.sweep()
    assert (first.sent, first.delayed) == (3, 1)
    for n in range(1, 10):
        sender.sweep(NOW + n * MINUTE)
    assert [messages_of(db, visit)[0].attempts for visit in visits] == [0, 0, 0]
    sender.channels = present
    assert sender.sweep(NOW + 11 * MINUTE).sent == 3
    assert len(sink.messages) == 3


def test_a_connection_that_breaks_after_the_text_costs_at_most_one_duplicate(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """Nobody knows whether it arrived, so it is sent again under the same Message-ID; others do not wait."""
    visit = book("cut@example.com")
    sink.cut("cut@example.com")
    book("after@example.com")
    assert sender.sweep() == service.SweepResult(sent=1, delayed=1)
    assert messages_of(db, visit)[0].last_error.startswith("Unknown")
    assert sender.sweep(NOW + 2 * MINUTE).sent == 1
    first, second = sink.to("cut@example.com")
    assert first["Message-ID"] == second["Message-ID"]
    assert len(sink.to("after@example.com")) == 1


def test_a_server_that_closes_after_each_message_is_connected_to_again(
    db: Database, sender: Sender, book: Book
) -> None:
    """The end of an old connection says nothing about the next message: all go out in one sweep."""
    with _server(_ClosesAfterOne()) as (server, url):
        sender.channels = replace(sender.channels, email=SmtpMailer.from_url(url))
        for n in range(4):
            book(f"customer{n}@example.com")
        assert sender.sweep().sent == 4
    assert (server.connections, server.accepted) == (4, 4)


@pytest.mark.parametrize("reply", ["530 authentication required", "451 not now", "421 closing"])
def test_a_server_that_refuses_the_company_gives_up_no_message(
    db: Database, sender: Sender, book: Book, reply: str
) -> None:
    """A refused sender is a matter of set-up: every message waits until it is mended."""
    with _server(_RefusesSender(reply)) as (_, url):
        sender.channels = replace(sender.channels, email=SmtpMailer.from_url(url))
        visit = book()
        for n in range(8):
            assert sender.sweep(NOW + n * MINUTE).delayed == 1
    message = messages_of(db, visit)[0]
    assert (message.state, message.attempts) == (MessageState.PENDING, 0)
    assert message.last_error.startswith(f"Unavailable: {reply}")


def test_a_message_is_not_settled_by_a_sweep_that_lost_its_lease(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """When somebody else has taken the row over, the slow sweep's failure does not touch it."""
    visit = book("slow@example.com")
    taken_over: list[str] = []

    class _TakesOver:
        """Hands the row to another sweep while this one is sending."""

        longest_send = timedelta(seconds=1)

        @contextmanager
        def open(self) -> Iterator[_TakesOver]:
            yield self

        def send(self, _mail: Any) -> None:
            with db.transaction() as session:
                session.execute(update(OutboxMessage).values(lease_owner="another sweep"))
            taken_over.append("yes")
            raise Permanent("refused")

    sender.channels = replace(sender.channels, email=_TakesOver())
    sender.sweep()
    message = messages_of(db, visit)[0]
    assert taken_over == ["yes"]
    assert (message.state, message.lease_owner) == (MessageState.SENDING, "another sweep")


def test_a_message_that_ends_every_sweep_is_given_up(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """A row that kills whoever sends it is tried five times and then left; the others go out."""
    visit = book("poison@example.com")
    book("rosa@example.com")

    class _Dies:
        """Behaves like a killed process: the row stays claimed."""

        longest_send = timedelta(seconds=1)

        @contextmanager
        def open(self) -> Iterator[_Dies]:
            yield self

        def send(self, mail: Any) -> None:
            if mail.recipient == "poison@example.com":
                raise KeyboardInterrupt

    sender.channels = replace(sender.channels, email=_Dies())
    for n in range(5):
        with pytest.raises(KeyboardInterrupt):
            sender.sweep(NOW + n * MINUTE)
    assert sender.sweep(NOW + 5 * MINUTE).unknown == 1  # one of the tries may have reached the server
    assert messages_of(db, visit)[0].last_error == "no try came to an end"


def test_what_was_sent_while_the_visit_moved_is_on_record_as_sent(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """A move between claim and receipt cannot hide that the old message reached the customer."""
    visit = book()
    later = replace(WINDOW, starts_at=WINDOW.starts_at + MINUTE)
    real = sender.channels.email

    class _MovesMeanwhile:
        """The real server, and a customer who moves the visit while the message is on its way."""

        longest_send = timedelta(seconds=30)

        @contextmanager
        def open(self) -> Iterator[_MovesMeanwhile]:
            with real.open() as self.post:
                yield self

        def send(self, mail: Any) -> None:
            if "booked" in mail.subject:
                change(db, visit, lambda visit: visit.promise(later, now=NOW, actor="customer"))
                with db.transaction() as session:
                    session.execute(
                        update(OutboxMessage)
                        .where(OutboxMessage.kind == "confirmation")
                        .values(state=MessageState.CANCELLED)
                    )
            self.post.send(mail)

    sender.channels = replace(sender.channels, email=_MovesMeanwhile())
    assert sender.sweep().sent == 2
    confirmation = messages_of(db, visit)[0]
    assert (confirmation.state, confirmation.sent_at is None) == (MessageState.SENT, False)


def test_the_log_of_a_failure_names_no_customer(
    sender: Sender, sink: SmtpSink, book: Book, caplog: pytest.LogCaptureFixture
) -> None:
    """Logs are kept longer than addresses may be."""
    sink.refuse("gone@example.com", "550 gone@example.com is unknown")
    book("gone@example.com")
    with caplog.at_level(logging.INFO, logger="fieldservice"):
        sender.sweep()
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("fieldservice")]
    assert "confirmation by email" in line
    assert "gone" not in line


class _Scripted:
    """A small mail server of its own, for manners that the sink does not have."""

    def __init__(self) -> None:
        self.connections = self.accepted = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak SMTP with one client until it or we close."""
        self.connections += 1
        writer.write(b"220 hello\r\n")
        while (line := await reader.readline()) and (answer := self.answer(line.upper().split()[0])):
            writer.write(f"{answer}\r\n".encode())
            if answer.startswith("354"):
                await reader.readuntil(b"\r\n.\r\n")
                self.accepted += 1
                writer.write(b"250 taken\r\n")
            if answer.startswith("421") or (answer.startswith("354") and self.leaves()):
                break
        writer.close()

    def answer(self, command: bytes) -> str:
        """The reply to a command."""
        return "354 go on" if command == b"DATA" else "250 fine"

    def leaves(self) -> bool:
        """Whether to close after a message."""
        return False


class _ClosesAfterOne(_Scripted):
    def leaves(self) -> bool:
        """Always."""
        return True


class _RefusesSender(_Scripted):
    def __init__(self, reply: str) -> None:
        super().__init__()
        self.reply = reply

    def answer(self, command: bytes) -> str:
        """Refuse whoever writes."""
        return self.reply if command == b"MAIL" else super().answer(command)


@contextmanager
def _server[S: _Scripted](server: S) -> Iterator[tuple[S, str]]:
    loop, port = asyncio.new_event_loop(), free_port()
    listening = loop.run_until_complete(asyncio.start_server(server.talk, "127.0.0.1", port))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server, f"smtp://127.0.0.1:{port}"
    finally:

        async def stop() -> None:
            listening.close()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
