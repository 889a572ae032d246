"""Texts of customers: STOP and START, a yes, words for the office; each counts once, and only signed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from time_machine import Traveller
from werkzeug.test import TestResponse

from fieldservice.app import create_app
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.messages.inbound import CHANGE, START, STOP, YES, plain
from fieldservice.messages.signatures import sign, sign_as_twilio
from fieldservice.models import InboundMessage, MessageState, OfficeTask, TextStop, Visit, Window
from fieldservice.web import Services
from tests.factories import NOW
from tests.fieldservice.messages.conftest import WINDOW, Book, Sender, messages_of, rows, texts_in

SECRET = "between the gateway and us"  # noqa: S105
PHONE = "+14105550187"
URL = "https://visits.example.com/hooks/sms"


@pytest.fixture
def client(settings: Settings, services: Services, clock_at_now: Traveller) -> FlaskClient:
    """A gateway's way into an application that knows its secret."""
    known = replace(settings, sms_secret=SECRET, public_url="https://visits.example.com")
    app: Flask = create_app(known, replace(services, settings=known))
    return app.test_client()


def report(client: FlaskClient, text: str, key: str = "m1", sender: str = "(410) 555-0187") -> TestResponse:
    """A signed report of a text."""
    body = client.application.json.dumps({"id": key, "from": sender, "text": text}).encode()
    return send(client, body, str(int(NOW.timestamp())), SECRET)


def send(client: FlaskClient, body: bytes, timestamp: str, secret: str) -> TestResponse:
    """A report with whatever signature."""
    headers = {"X-Timestamp": timestamp, "X-Signature": sign(secret, timestamp, body)}
    return client.post("/hooks/sms", data=body, headers=headers, content_type="application/json")


def test_stop_ends_all_texts_to_the_number_and_start_begins_them_again(
    db: Database, client: FlaskClient, sender: Sender, book: Book
) -> None:
    """After STOP nothing goes to the number, not even for bookings of somebody else; e-mails do. The row that
    came is the proof."""
    visit = book(phone=PHONE)
    assert report(client, " Stop! ").get_json() == {"outcome": "stopped"}
    later = book("other@example.com", phone=PHONE)
    sender.sweep()
    for one in (visit, later):
        fates = {m.channel: m.state for m in messages_of(db, one) if m.kind == "confirmation"}
        assert fates == {"email": MessageState.SENT, "sms": MessageState.CANCELLED}
    assert texts_in(sender.settings) == []
    (stop,) = rows(db, TextStop)
    (proof,) = rows(db, InboundMessage)
    assert (stop.phone, stop.inbound_message_id, proof.body) == (PHONE, proof.id, " Stop! ")
    assert report(client, "START", "m2").get_json() == {"outcome": "started"}
    assert rows(db, TextStop) == []
    book(phone=PHONE)
    sender.sweep()
    assert len(texts_in(sender.settings)) == 1


def test_a_report_counts_once(db: Database, client: FlaskClient, book: Book) -> None:
    """Gateways repeat themselves: the same name is the same text, whatever its words."""
    visit = book(phone=PHONE)
    for key in ("m1", "m1", "m2"):
        assert report(client, "Is the dog a problem?", key).get_json() == {"outcome": "asked"}
    with db.reading() as session:
        conversation = session.get_one(Visit, visit.id).conversation
        assert conversation is not None
        assert conversation.waiting_since is not None
        assert [(m.body, m.channel) for m in conversation.messages] == [("Is the dog a problem?", "sms")] * 2


def test_a_yes_confirms_the_next_visit(db: Database, client: FlaskClient, book: Book) -> None:
    """Of several visits the next one is meant; it gets an event, and nobody has to answer."""
    later = Window(WINDOW.starts_at + timedelta(days=3), WINDOW.ends_at + timedelta(days=3))
    visits = [book(phone=PHONE, window=window) for window in (later, WINDOW)]
    assert report(client, "Yes.").get_json() == {"outcome": "confirmed"}
    with db.reading() as session:
        confirmed = [
            [event.kind for event in session.get_one(Visit, visit.id).events].count("confirmed")
            for visit in visits
        ]
    assert confirmed == [0, 1]


def test_a_stranger_becomes_a_task(db: Database, client: FlaskClient) -> None:
    """An unknown number is a task with its words and a deadline, not an error."""
    assert report(client, "Do you repair ovens?").get_json() == {"outcome": "unknown"}
    (task,) = rows(db, OfficeTask)
    assert task.detail == f"{PHONE}: Do you repair ovens?"
    assert task.due_at - task.created_at == timedelta(hours=24)


def test_nothing_counts_without_a_fresh_signature_of_the_secret(
    db: Database, client: FlaskClient, app: Flask
) -> None:
    """Another secret, another body, an old time, no signature: 403, and no row. Without a secret: 404."""
    body, fresh = b'{"id": "m1", "from": "+14105550187", "text": "STOP"}', str(int(NOW.timestamp()))
    old = str(int((NOW - timedelta(minutes=6)).timestamp()))
    assert send(client, body, fresh, "another").status_code == 403
    assert send(client, body, old, SECRET).status_code == 403
    assert client.post("/hooks/sms", data=body, content_type="application/json").status_code == 403
    forged = {"X-Timestamp": fresh, "X-Signature": sign(SECRET, fresh, body)}
    other = body.replace(b"STOP", b"START")
    answer = client.post("/hooks/sms", data=other, headers=forged, content_type="application/json")
    assert answer.status_code == 403
    assert send(app.test_client(), body, fresh, SECRET).status_code == 404
    assert rows(db, InboundMessage) == []
    assert send(client, body, fresh, SECRET).status_code == 200  # the control


@pytest.mark.parametrize(
    "content",
    ["[]", "{}", '{"id": 1, "from": "+14105550187", "text": "x"}', '{"id": "m", "from": "SHOP", "text": "x"}']
    + ['{"id": "m", "from": "+14105550187", "text": "a\\u0000b"}', "not json"],
)
def test_what_is_no_text_is_refused(db: Database, client: FlaskClient, content: str) -> None:
    """Signed nonsense is 400 and leaves nothing."""
    assert send(client, content.encode(), str(int(NOW.timestamp())), SECRET).status_code == 400
    assert rows(db, InboundMessage) == []


def test_twilio_reports_in_its_own_way(db: Database, client: FlaskClient, book: Book) -> None:
    """A form signed over address and fields, answered with empty TwiML; a changed field is refused."""
    book(phone=PHONE)
    form = {"MessageSid": "SM1", "From": PHONE, "Body": "Ja", "NumMedia": "0"}
    headers = {"X-Twilio-Signature": sign_as_twilio(SECRET, URL, form)}
    answer = client.post("/hooks/sms", data=form, headers=headers)
    assert (answer.status_code, answer.mimetype, answer.text) == (200, "text/xml", "<Response/>")
    assert client.post("/hooks/sms", data=form | {"Body": "Nej"}, headers=headers).status_code == 403
    assert [message.outcome for message in rows(db, InboundMessage)] == ["confirmed"]


def test_words_are_recognised_in_five_languages_and_are_told_apart() -> None:
    """Case, accents and points do not matter; no word means two things, and a sentence is none of them."""
    for typed, words in (
        ("ændr", CHANGE),
        ("Zmień", CHANGE),
        ("STOP", STOP),
        ("Dừng", STOP),
        ("start!", START),
        ("Tak", YES),
        ("Có", YES),
    ):
        assert plain(typed) in words
    every = (STOP, START, YES, CHANGE)
    assert len(frozenset().union(*every)) == sum(map(len, every))
    assert plain("Please stop by at noon") not in STOP | START | YES


@pytest.mark.parametrize(
    ("word", "answer"), [("CHANGE", "To pick another time"), ("Đổi", "Để chọn giờ khác")]
)
def test_a_wish_to_change_is_told_how(
    db: Database, client: FlaskClient, sender: Sender, book: Book, word: str, answer: str
) -> None:
    """The way to change goes back as a text, in the customer's language, and the office has it as well."""
    visit = book(phone=PHONE)
    with db.transaction() as session:
        order = session.get_one(Visit, visit.id).work_order
        order.locale = "vi" if answer.startswith("Để") else "en"
        order.customer.locale = order.locale
    assert report(client, word).get_json() == {"outcome": "change"}
    with db.reading() as session:
        conversation = session.get_one(Visit, visit.id).conversation
        assert conversation is not None
        assert conversation.waiting_since is not None
        assert [m.channel for m in conversation.messages] == ["sms", "sms"]
        assert conversation.messages[1].body.startswith(answer)
    told = [message for message in messages_of(db, visit) if message.kind == "answer"]
    assert [(m.channel, m.recipient) for m in told] == [("sms", PHONE)]
    sender.sweep()
    assert any("/visit/" in path.read_text() for path in texts_in(sender.settings))
