"""E-mails that come in: answers, strangers, robots, bounces, files; each counts once, and only signed."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from email.message import EmailMessage

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from time_machine import Traveller
from werkzeug.test import TestResponse

from fieldservice.app import create_app
from fieldservice.auth.links import reply_address, visit_of_reply
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.dispatch import inbox
from fieldservice.files import FileStore
from fieldservice.messages.mail_in import take_in
from fieldservice.messages.signatures import sign
from fieldservice.models import (
    Attachment,
    InboundMessage,
    MessageState,
    OfficeTask,
    Outcome,
    Purpose,
    Unreachable,
    User,
    Visit,
)
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.messages.conftest import Book, Sender, messages_of, rows, states, texts_in
from tests.fieldservice.notify.letters import bounce, complaint, hostile, letter
from tests.services import SmtpSink

SECRET = "between the mail server and us"  # noqa: S105
PHONE = "+14105550187"
MINUTE = timedelta(minutes=1)


@pytest.fixture
def sender(sender: Sender) -> Sender:
    """Sends e-mails that can be answered."""
    sender.settings = replace(sender.settings, reply_email="replies@example.com")
    return sender


class Post:
    """Takes e-mails in as the worker does."""

    def __init__(self, db: Database, store: FileStore, settings: Settings) -> None:
        self.db, self.store, self.settings = db, store, settings

    def __call__(self, raw: bytes) -> str:
        return take_in(raw, self.db, self.store, self.settings, now=NOW)


@pytest.fixture
def post(db: Database, store: FileStore, settings: Settings) -> Post:
    """The way in."""
    return Post(db, store, settings)


def said(db: Database, visit: Visit) -> list[tuple[str, str]]:
    """Author and words of the visit's conversation."""
    with db.reading() as session:
        conversation = session.get_one(Visit, visit.id).conversation
        return [(m.author, m.body) for m in conversation.messages] if conversation else []


def confirmation(sink: SmtpSink, sender: Sender) -> EmailMessage:
    """The first e-mail that the customer gets."""
    sender.sweep()
    return sink.to("rosa@example.com")[0]


def test_an_answer_joins_the_visit_that_it_is_about(
    db: Database, sender: Sender, sink: SmtpSink, post: Post, book: Book
) -> None:
    """By the address that was answered, by the e-mail that was answered, by the sender; each time once. The
    office's answer goes out in the same thread, and an answer to that comes back to it."""
    visit = book()
    book("other@example.com")
    mail = confirmation(sink, sender)
    assert visit_of_reply(mail["Reply-To"].addresses[0].addr_spec, sender.settings.secret_key) == visit.id
    by_address = letter("One", to=mail["Reply-To"], sender="wife@example.net", key="<1@x>")
    by_answer = letter("Two", answers=mail["Message-ID"], sender="wife@example.net", key="<2@x>")
    by_sender = letter("Three", sender="ROSA@example.com", key="<3@x>")
    for raw in (by_address, by_answer, by_sender, by_address, by_answer, by_sender):
        assert post(raw) == Outcome.ASKED
    theirs = [("customer", body) for body in ("wife@example.net: One", "wife@example.net: Two", "Three")]
    assert said(db, visit) == theirs
    with db.transaction() as session:
        user = User(
            email="dana@example.com",
            name="Dana",
            role="dispatcher",
            password="-",
            fs_uniquifier="u",
            created_at=NOW,
        )
        session.add(user)
        session.flush()
        inbox.answer(session, session.get_one(Visit, visit.id), "Yes.", user_id=user.id, now=NOW)
    sender.sweep(NOW + MINUTE)
    (answer,) = [found for found in sink.to("rosa@example.com") if "Yes." in str(found)]
    assert answer["In-Reply-To"] == "<3@x>"
    assert post(letter("Thanks", answers=answer["Message-ID"], key="<4@x>")) == Outcome.ASKED
    assert said(db, visit) == [*theirs, ("office", "Yes."), ("customer", "Thanks")]


def test_a_mark_of_another_installation_or_visit_opens_nothing(settings: Settings, book: Book) -> None:
    """The address that is answered is signed: changing the visit's number in it makes it nobody's."""
    visit = book()
    address = reply_address("replies@example.com", visit, settings.secret_key)
    assert visit_of_reply(address.upper(), settings.secret_key) == visit.id
    assert visit_of_reply(address, "another key") is None
    assert visit_of_reply(address.replace(f"+{visit.id}-", f"+{visit.id + 1}-"), settings.secret_key) is None


def test_a_stranger_becomes_a_task(db: Database, post: Post) -> None:
    """Somebody whom nobody knows is a request with a deadline, not an error."""
    assert post(letter("Do you repair ovens?", sender="new@example.net", subject="Oven")) == Outcome.UNKNOWN
    (task,) = rows(db, OfficeTask)
    assert task.detail == "new@example.net: Oven\nDo you repair ovens?"
    assert task.due_at - task.created_at == timedelta(hours=24)


def test_robots_are_kept_and_answered_by_nobody(db: Database, post: Post, book: Book) -> None:
    """An absence note to a known customer's visit leaves a row and no question, so no loop can begin."""
    visit = book()
    assert post(letter("I am away", Auto_Submitted="auto-replied")) == Outcome.AUTOMATIC
    assert [row.outcome for row in rows(db, InboundMessage)] == [Outcome.AUTOMATIC]
    assert said(db, visit) == []
    assert rows(db, OfficeTask) == []


def test_stop_and_start_by_e_mail(db: Database, post: Post, book: Book) -> None:
    """One word of the customer ends reminders and questions, not what the visit needs; of somebody else it is
    a question like any other."""
    visit = book()
    assert post(letter("STOP", sender="wife@example.net", answers="", key="<0@x>")) == Outcome.UNKNOWN
    assert post(letter("Stop.", key="<1@x>")) == Outcome.STOPPED
    with db.reading() as session:
        order = session.get_one(Visit, visit.id).work_order
        assert not order.allows(Purpose.REMINDERS)
        assert not order.allows(Purpose.FEEDBACK)
    assert post(letter("start", key="<2@x>")) == Outcome.STARTED
    with db.reading() as session:
        order = session.get_one(Visit, visit.id).work_order
        assert order.allows(Purpose.REMINDERS)
        assert not order.allows(Purpose.OFFERS)


def test_files_are_kept_with_the_visit(db: Database, post: Post, book: Book) -> None:
    """Photos and documents become files of the visit, once; a program is named in the thread and not kept."""
    visit, photo = book(), io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(photo, "JPEG")
    raw = letter("See here", files=[("boiler.jpg", photo.getvalue()), ("x.exe", b"MZ\x90\x00")])
    for _ in range(2):
        assert post(raw) == Outcome.ASKED
    (kept,) = rows(db, Attachment)
    assert (kept.name, kept.visit_id, kept.actor) == ("boiler.jpg", visit.id, "customer")
    with db.reading() as session:
        conversation = session.get_one(Visit, visit.id).conversation
        assert conversation is not None
        assert "[x.exe]" in conversation.messages[0].folded


def test_a_bounce_marks_the_address_and_a_text_says_it_instead(
    db: Database, sender: Sender, sink: SmtpSink, post: Post, book: Book
) -> None:
    """After a final bounce the answer goes to the phone, later e-mails are not tried, and once the customer
    writes from the address it works again."""
    visit = book(phone=PHONE)
    sender.sweep()
    mail = sink.messages[0]
    with db.transaction() as session:
        session.get_one(Visit, visit.id).tell("answer", due_at=NOW, now=NOW, payload={"message_id": 1})
    assert post(bounce("rosa@example.com", mail["Message-ID"])) == Outcome.BOUNCED
    assert states(db, visit)["confirmation"] in (MessageState.DEAD, MessageState.SENT)
    (mark,) = rows(db, Unreachable)
    assert (mark.address, mark.channel) == ("rosa@example.com", "email")
    with db.transaction() as session:
        session.get_one(Visit, visit.id).tell("ask", due_at=NOW, now=NOW)
    sender.sweep(NOW + MINUTE)
    asked = [(m.channel, m.state) for m in messages_of(db, visit) if m.kind == "ask"]
    assert ("email", MessageState.CANCELLED) in asked
    assert "sms" in dict(asked)
    assert (
        len([m for m in messages_of(db, visit) if m.kind == "confirmation"]) == 2
    )  # both from the beginning
    assert rows(db, OfficeTask) == []
    assert post(letter("I am here")) == Outcome.ASKED
    assert rows(db, Unreachable) == []


def test_where_no_way_is_left_the_office_calls(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """A customer without a phone whose address does not exist is one task, however many messages fail."""
    sink.refuse("gone@example.com", "550 5.1.1 unknown")
    visit = book("gone@example.com")
    assert sender.sweep().dead == 1
    (task,) = rows(db, OfficeTask)
    assert (task.kind, task.visit_id) == ("unreachable", visit.id)
    assert "550 5.1.1" in task.detail
    with db.transaction() as session:
        session.get_one(Visit, visit.id).tell("ask", due_at=NOW, now=NOW)
    assert sender.sweep(NOW + MINUTE).retired == 1
    assert len(rows(db, OfficeTask)) == 1


def test_two_ways_that_fail_are_a_call(db: Database, sender: Sender, sink: SmtpSink, book: Book) -> None:
    """Where the text had failed already, a failing e-mail is told on no other way: the office calls."""
    sink.refuse("rosa@example.com", "550 5.7.1 looks like spam")
    visit = book(phone=PHONE)
    with db.transaction() as session:
        for message in session.get_one(Visit, visit.id).messages:
            if message.channel == "sms":
                message.state = MessageState.DEAD
    assert sender.sweep().dead == 1
    assert [(task.kind, task.visit_id) for task in rows(db, OfficeTask)] == [("unreachable", visit.id)]


def test_a_refusal_that_is_not_about_the_address_marks_nothing(
    db: Database, sender: Sender, sink: SmtpSink, book: Book
) -> None:
    """550 for what looks like spam is final for this e-mail; the next one is tried. The phone says it."""
    sink.refuse("rosa@example.com", "550 5.7.1 looks like spam", times=1)
    visit = book(phone=PHONE)
    with db.transaction() as session:
        session.get_one(Visit, visit.id).tell("ask", due_at=NOW - MINUTE, now=NOW - MINUTE)
    sender.sweep()
    assert rows(db, Unreachable) == []
    assert len(texts_in(sender.settings)) >= 1
    assert ("email", MessageState.SENT) in [(m.channel, m.state) for m in messages_of(db, visit)]


@pytest.mark.parametrize("make", [bounce, complaint])
def test_nobody_can_silence_somebody_else(
    db: Database, sender: Sender, sink: SmtpSink, post: Post, book: Book, make: object
) -> None:
    """A report about an e-mail that we did not send, or not to this address, changes nothing."""
    book()
    book("other@example.com")
    sender.sweep()
    to_rosa = sink.to("rosa@example.com")[0]["Message-ID"]
    assert callable(make)
    assert post(make("rosa@example.com", "<made-up@example.com>")) == Outcome.AUTOMATIC
    assert post(make("other@example.com", to_rosa)) == Outcome.AUTOMATIC
    assert rows(db, Unreachable) == []


def test_a_complaint_ends_e_mails_and_is_told_to_the_office(
    db: Database, sender: Sender, sink: SmtpSink, post: Post, book: Book
) -> None:
    """Who called our e-mail unwanted gets none; the office learns of it, for the visit is still promised."""
    visit = book()
    mail = confirmation(sink, sender)
    assert post(complaint("rosa@example.com", mail["Message-ID"])) == Outcome.REFUSED
    assert [row.address for row in rows(db, Unreachable)] == ["rosa@example.com"]
    assert [task.visit_id for task in rows(db, OfficeTask)] == [visit.id]
    assert states(db, visit)["confirmation"] == MessageState.SENT


def test_hostile_e_mails_are_rows_and_nothing_else(db: Database, post: Post, book: Book) -> None:
    """Two hundred e-mails of nonsense: each has an outcome, none an error, and the visit stays as it was."""
    visit = book()
    for seed in range(200):
        assert post(hostile(seed)) in set(Outcome)
    with db.reading() as session:
        assert session.get_one(Visit, visit.id).state == "booked"


def hand_over(client: FlaskClient, raw: bytes, secret: str = SECRET) -> TestResponse:
    """A mail server's request."""
    timestamp = str(int(NOW.timestamp()))
    headers = {"X-Timestamp": timestamp, "X-Signature": sign(secret, timestamp, raw)}
    return client.post("/hooks/email", data=raw, headers=headers, content_type="message/rfc822")


def test_a_mail_server_hands_over_with_the_secret_alone(
    db: Database, settings: Settings, services: Services, clock_at_now: Traveller
) -> None:
    """Signed with the secret it counts; signed otherwise 403, without a secret set 404, too large 413."""
    known = replace(settings, mail_secret=SECRET)
    client = create_app(known, replace(services, settings=known)).test_client()
    assert hand_over(client, letter()).get_json() == {"outcome": "unknown"}
    assert hand_over(client, letter(), "another").status_code == 403
    assert hand_over(client, b"x" * 25_000_001).status_code == 413
    assert hand_over(client, hostile(1)).status_code == 200
    assert hand_over(create_app(settings, services).test_client(), letter()).status_code == 404
    with db.reading() as session:
        assert session.scalar(select(User.id)) is None
