"""WhatsApp, Messenger and the like: signed, once, mapped by settings; answers go back the same way."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from time_machine import Traveller
from werkzeug.test import TestResponse

from fieldservice.app import create_app
from fieldservice.auth import visitors
from fieldservice.config import SettingError, Settings
from fieldservice.db import Database
from fieldservice.dispatch import guests, inbox
from fieldservice.messages.unreachable import mark
from fieldservice.models import (
    Conversation,
    Guest,
    InboundMessage,
    MessageState,
    OfficeTask,
    OutboxMessage,
    Unreachable,
    Visit,
)
from fieldservice.notify import open_channels
from fieldservice.notify.social import social_channels
from fieldservice.web import Services
from tests.factories import NOW, make_visit
from tests.fieldservice.messages.conftest import Book, Sender, rows
from tests.fieldservice.notify.gateway import Gateway
from tests.signing_in import make_user

PAYLOADS = Path(__file__).parent / "payloads"
SECRET = "between the channel and us"  # noqa: S105
PHONE = "+14105550187"
WHATSAPP = {
    "secret": SECRET,
    "each": "entry.*.changes.*.value.messages.*",
    "id": "id",
    "sender": "from",
    "text": "text.body",
    "kind": "type",
    "sender_is_phone": True,
    "verify_token": "echo me",
}
MESSENGER = {
    "secret": SECRET,
    "each": "entry.*.messaging.*",
    "id": "message.mid",
    "sender": "sender.id",
    "text": "message.text",
    "skip": "message.is_echo",
}


def known(settings: Settings) -> Settings:
    """A company with both channels; answers are files."""
    described = json.dumps({"whatsapp": WHATSAPP, "messenger": MESSENGER})
    return replace(settings, social_channels=described, public_url="https://visits.example.com")


@pytest.fixture
def client(settings: Settings, services: Services, clock_at_now: Traveller) -> FlaskClient:
    """A provider's way into an application that knows its secret."""
    return create_app(known(settings), replace(services, settings=known(settings))).test_client()


def report(client: FlaskClient, channel: str, payload: bytes | None = None, **changed: str) -> TestResponse:
    """The recorded payload of a channel, or another one, some words replaced; signed as its provider does."""
    body = payload if payload is not None else (PAYLOADS / f"{channel}.json").read_bytes()
    for old, new in changed.items():
        body = body.replace(old.replace("_", " ").encode(), new.encode())
    signature = "sha256=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": signature}
    return client.post(
        f"/hooks/social/{channel}", data=body, headers=headers, content_type="application/json"
    )


def sent(settings: Settings, channel: str) -> list[dict[str, str]]:
    """What was handed over to a channel."""
    found = (settings.data_dir / f"social-{channel}").glob("*.json")
    return [json.loads(path.read_text(encoding="utf-8")) for path in found]


def sweep(sender: Sender) -> None:
    """Send what is due, also on the social channels."""
    others = open_channels(known(sender.settings)).others
    Sender(sender.db, replace(sender.channels, others=others), known(sender.settings)).sweep()


def test_whatsapp_is_matched_by_its_number_and_answered_there(
    db: Database, client: FlaskClient, sender: Sender, book: Book
) -> None:
    """Words and a picture of the recorded payload join the visit, once; a status is nothing. What the office
    writes then goes out on the channel as it is, and STOP ends that."""
    visit = book(phone=PHONE)
    for _ in range(2):
        assert report(client, "whatsapp").get_json() == {"outcomes": ["asked", "asked"]}
    with db.transaction() as session:
        found = session.get_one(Visit, visit.id)
        assert found.conversation is not None
        assert [(m.body, m.channel) for m in found.conversation.messages] == [
            ("Which door do you use?", "whatsapp"),
            ("[image]", "whatsapp"),
        ]
        inbox.answer(session, found, "The side door.", user_id=make_user(session).id, now=NOW)
    sweep(sender)
    assert [(text["recipient"], text["text"]) for text in sent(sender.settings, "whatsapp")] == [
        ("14105550187", "The side door.")
    ]
    stop = {"Which_door_do_you_use?": "STOP", "NgA=": "Stop=", "NwA=": "More="}
    assert report(client, "whatsapp", **stop).get_json() == {"outcomes": ["stopped", "asked"]}
    assert [(mark.channel, mark.address) for mark in rows(db, Unreachable)] == [("whatsapp", "14105550187")]
    assert rows(db, Guest) == []


def test_messenger_begins_a_conversation_without_a_visit_that_can_get_one(
    db: Database, client: FlaskClient, sender: Sender, book: Book
) -> None:
    """A name that nobody knows: the office sees it, answers on the channel, and says whose visit it is about;
    from then on everything is with the visit. Echoes and receipts are nothing."""
    visit = book()
    assert report(client, "messenger").get_json() == {"outcomes": ["asked"]}
    with db.transaction() as session:
        (guest,) = inbox.inbox(session, now=NOW).guests
        assert inbox.count(session, now=NOW) == 1
        guests.answer(session, guest, "Yes, we do.", user_id=make_user(session).id, now=NOW)
    sweep(sender)
    assert [(text["recipient"], text["text"]) for text in sent(sender.settings, "messenger")] == [
        ("7654321098765432", "Yes, we do.")
    ]
    with db.transaction() as session:
        guest = session.scalars(select(Guest)).one()
        reference = session.get_one(Visit, visit.id).reference
        found = guests.visit_named(session, f" {reference.lower()} ")
        assert found is not None
        guests.give(session, guest, found, now=NOW)
    again = {"Do_you_repair_ovens?": "Thanks", "8mJEM": "again"}
    assert report(client, "messenger", **again).get_json() == {"outcomes": ["asked"]}
    with db.reading() as session:
        conversation = session.scalars(select(Conversation)).one()
        assert conversation.visit_id == visit.id
        assert [m.body for m in conversation.messages] == ["Do you repair ovens?", "Yes, we do.", "Thanks"]
        told = session.scalars(select(OutboxMessage).where(OutboxMessage.channel == "messenger")).one()
        assert (told.visit_id, told.state) == (visit.id, MessageState.SENT)
        assert {m.visit_id for m in session.scalars(select(InboundMessage))} == {visit.id}


def answered_in_vain(db: Database, client: FlaskClient) -> int:
    """Somebody on Messenger whom the office answers; the number of their conversation."""
    assert report(client, "messenger").get_json() == {"outcomes": ["asked"]}
    with db.transaction() as session:
        guest = session.scalars(select(Guest)).one()
        guests.answer(session, guest, "Yes, we do.", user_id=make_user(session).id, now=NOW)
        return guest.conversation_id


@pytest.mark.parametrize("fault", ["refused", "gone", "unwanted"])
def test_an_answer_that_does_not_reach_a_guest_is_a_task(
    db: Database, client: FlaskClient, sender: Sender, fault: str
) -> None:
    """The channel refuses it, the company gave the channel up, or they said STOP: one open task in the inbox
    says whom and why; the visit that the guest gets has it from then on."""
    conversation_id = answered_in_vain(db, client)
    with Gateway() as gateway:
        gateway.status = 400
        url = f"http://127.0.0.1:{gateway.port}/"
        described = {"messenger": MESSENGER | {"send_url": url, "send_token": "t"}}
        if fault == "unwanted":
            with db.transaction() as session:
                mark(session, "messenger", "7654321098765432", "wants no messages", now=NOW)
        settings = replace(sender.settings, social_channels=json.dumps(described))
        others = {} if fault == "gone" else open_channels(settings).others
        for _ in range(2):
            Sender(sender.db, replace(sender.channels, others=others), settings).sweep()
    (task,) = rows(db, OfficeTask)
    assert (task.kind, task.visit_id, task.conversation_id) == ("unreachable", None, conversation_id)
    assert task.detail.startswith("7654321098765432: ")
    assert task.due_at == task.created_at + timedelta(hours=4)
    with db.transaction() as session:
        assert inbox.count(session, now=NOW) == 1
        ((shown, guest),) = inbox.inbox(session, now=NOW).guest_tasks
        assert shown.id == task.id
        visit = make_visit(session)
        guests.give(session, guest, visit, now=NOW)
        assert [each.id for each, _ in inbox.inbox(session, now=NOW).tasks] == [task.id]


def test_an_answer_that_fails_after_the_guest_got_a_visit_is_told_there(
    db: Database, client: FlaskClient, sender: Sender, book: Book
) -> None:
    """It was written for nobody's visit, and for no promise of this one: it goes by e-mail all the same."""
    visit = book()
    answered_in_vain(db, client)
    with db.transaction() as session:
        guest = session.scalars(select(Guest)).one()
        guests.give(session, guest, session.get_one(Visit, visit.id), now=NOW)
    sender.sweep()
    told = [message for message in rows(db, OutboxMessage) if message.kind == "answer"]
    assert [(message.channel, message.state) for message in told] == [
        ("messenger", MessageState.CANCELLED),
        ("email", MessageState.SENT),
    ]


def test_an_answer_that_waits_for_its_channel_is_not_tidied_away(
    db: Database, client: FlaskClient, sender: Sender
) -> None:
    """What was sent is forgotten after a day; what could not be sent yet is kept."""
    answered_in_vain(db, client)
    db.run(lambda session: visitors.drop_old(session, now=NOW + timedelta(days=3)))
    assert len(rows(db, OutboxMessage)) == 1
    sweep(sender)
    db.run(lambda session: visitors.drop_old(session, now=NOW + timedelta(days=3)))
    assert rows(db, OutboxMessage) == []


def test_a_visit_with_a_conversation_takes_in_another_one(
    db: Database, client: FlaskClient, book: Book
) -> None:
    """The transcripts become one, and the older question is the one that waits."""
    visit = book()
    report(client, "messenger")
    with db.transaction() as session:
        found, guest = session.get_one(Visit, visit.id), session.scalars(select(Guest)).one()
        talk = Conversation(visit=found, last_at=NOW)
        session.add(talk)
        talk.ask("By page", channel="page", now=NOW)
        session.flush()
        guests.give(session, guest, found, now=NOW)
    with db.reading() as session:
        (only,) = session.scalars(select(Conversation)).all()
        assert [m.body for m in only.messages] == ["Do you repair ovens?", "By page"]
        assert [guest.channel for guest in only.guests] == ["messenger"]


def test_only_the_provider_is_heard(db: Database, client: FlaskClient) -> None:
    """Unsigned, signed for another body, an unknown channel, no JSON, JSON of any other shape."""
    body = (PAYLOADS / "whatsapp.json").read_bytes()
    assert client.post("/hooks/social/whatsapp", data=body).status_code == 403
    forged = hmac.new(SECRET.encode(), b"another", hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={forged}"}
    assert client.post("/hooks/social/whatsapp", data=body, headers=headers).status_code == 403
    assert report(client, "telegram", body).status_code == 404
    assert report(client, "whatsapp", b"not json").status_code == 400
    nothing = ([], 1, {"entry": {}}, {"entry": [{"changes": [{"value": {"messages": [1, {"id": 2}]}}]}]})
    for odd in nothing:
        assert report(client, "whatsapp", json.dumps(odd).encode()).get_json() == {"outcomes": []}
    hub = {"hub.mode": "subscribe", "hub.challenge": "1158201444"}
    asked = client.get("/hooks/social/whatsapp", query_string=hub | {"hub.verify_token": "echo me"})
    assert (asked.status_code, asked.text) == (200, "1158201444")
    assert client.get("/hooks/social/whatsapp", query_string=hub).status_code == 403
    assert client.get("/hooks/social/messenger", query_string=hub).status_code == 403
    assert rows(db, InboundMessage) == []


@pytest.mark.parametrize(
    ("described", "fault"),
    [
        ("not json", "is not JSON"),
        ("[]", "is not an object"),
        ('{"sms": {}}', "'sms' is no name"),
        ('{"a b": {}}', "'a b' is no name"),
        ('{"chat": 1}', "chat is not an object"),
        ('{"chat": {"secret": "x"}}', "chat.each is missing"),
        ('{"chat": {"colour": "x"}}', "chat.colour is not known"),
        ('{"chat": {"skip": 1}}', "chat.skip is not a text"),
        (json.dumps({"chat": WHATSAPP | {"send_url": "ftp://x"}}), "chat.send_url"),
    ],
)
def test_settings_that_cannot_work_are_named(described: str, fault: str) -> None:
    """The fault and its place, never a secret."""
    with pytest.raises(SettingError, match="FIELDSERVICE_SOCIAL_CHANNELS") as error:
        social_channels(described)
    assert fault in str(error.value)
    assert SECRET not in str(error.value)
