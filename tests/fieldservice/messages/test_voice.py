"""The phone menu, walked to every end in five languages; and only a signed provider is heard."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from xml.etree.ElementTree import Element, fromstring

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from time_machine import Traveller
from werkzeug.test import TestResponse

from fieldservice.app import create_app
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.messages.signatures import sign_as_twilio
from fieldservice.messages.voice import Caller, Menu
from fieldservice.models import InboundMessage, OfficeTask, Visit, VisitState
from fieldservice.notify.translations import languages
from fieldservice.web import Services
from tests.factories import NOW, make_stop, make_technician
from tests.fieldservice.messages.conftest import Book, rows

SECRET = "between the exchange and us"  # noqa: S105
PHONE = "+14105550187"
SITE = "https://visits.example.com"
SPOKEN = {"en": "en-US", "nl": "nl-NL", "da": "da-DK", "pl": "pl-PL", "vi": "vi-VN"}
ATTRIBUTES = {
    "Say": {"language", "voice"},
    "Gather": {"input", "numDigits", "finishOnKey", "timeout", "method", "action"},
    "Redirect": {"method"},
}
INSIDE = {"Response": {"Say", "Gather", "Redirect", "Dial", "Hangup"}, "Gather": {"Say"}}


def faults(element: Element, parent: str = "") -> list[str]:
    """What of a document is not TwiML, as far as the menu needs it."""
    found = [] if parent or element.tag == "Response" else [f"the root is {element.tag}"]
    found += [
        f"{element.tag} has {name}" for name in set(element.keys()) - ATTRIBUTES.get(element.tag, set())
    ]
    if element.tag in ("Say", "Redirect", "Dial") and not (element.text or "").strip():
        found.append(f"an empty {element.tag}")
    if element.tag == "Gather" and not element.get("action", "").startswith("/hooks/voice"):
        found.append("a key leads elsewhere")
    if element.tag == "Response" and (
        not len(element) or element[-1].tag not in ("Redirect", "Dial", "Hangup")
    ):
        found.append("the call ends in silence")
    for child in element:
        allowed = child.tag in INSIDE.get(element.tag, set())
        found += faults(child, element.tag) if allowed else [f"{child.tag} in {element.tag}"]
    return found


@dataclass
class Phone:
    """Somebody who calls; every document is checked, and what was said is kept."""

    client: FlaskClient
    number: str = PHONE
    call: str = "CA1"
    heard: list[str] = field(default_factory=list)
    language: str = "en-US"

    def post(self, path: str, secret: str = SECRET, **fields: str) -> TestResponse:
        """What the provider asks."""
        form = {"CallSid": self.call, "From": self.number, "Direction": "inbound", **fields}
        headers = {"X-Twilio-Signature": sign_as_twilio(secret, SITE + path, form)}
        return self.client.post(path, data=form, headers=headers)

    def ask(self, path: str, **fields: str) -> Element:
        """The next document."""
        answer = self.post(path, **fields)
        assert answer.status_code == 200, answer.text
        root = fromstring(answer.data)  # noqa: S314 - our own
        assert faults(root) == []
        said = list(root.iter("Say"))
        assert {one.get("language") for one in said} <= {self.language}
        self.heard += [one.text or "" for one in said]
        return root

    def walk(self, menu: Element, path: tuple[str, ...], most: int) -> dict[tuple[str, ...], str]:
        """Every way through the menu from here: the keys that were pressed -> how it ended."""
        gather = menu.find("Gather")
        if gather is None:
            return {path: menu[-1].tag}
        person = self.ask(gather.get("action", ""), Digits="0")
        assert person.findtext("Dial") == "+14105550100", path  # a person, at every point of every way
        ends = {(*path, "0"): "Dial"}
        if len(path) == most:
            return ends
        for key in ("1", "2", "3", "9", ""):
            self.call = f"CA{'-'.join(path)}{key}"
            if key or (redirect := menu.find("Redirect")) is None:
                after = self.ask(gather.get("action", ""), Digits=key)
            else:
                after = self.ask(redirect.text or "")
            ends |= self.walk(after, (*path, key), most)
        return ends


@pytest.fixture
def client(settings: Settings, services: Services, clock_at_now: Traveller) -> FlaskClient:
    """A provider's way into an application that knows its secret."""
    known = replace(settings, voice_secret=SECRET, public_url=SITE)
    return create_app(known, replace(services, settings=known)).test_client()


@pytest.mark.parametrize("language", languages())
def test_the_whole_menu_in_every_language(
    db: Database, client: FlaskClient, book: Book, language: str
) -> None:
    """Two keys deep, every key and none: the next visit is said, a yes is kept, the call-back is one task a
    call, nothing ends without a person having been offered, and no sentence is left in English."""
    visit = book(phone=PHONE)
    with db.transaction() as session:
        order = session.get_one(Visit, visit.id).work_order
        order.locale = order.customer.locale = language
    phone = Phone(client, language=SPOKEN[language])
    ends = phone.walk(phone.ask("/hooks/voice"), (), 2)
    assert ends[("1", "9")] == "Hangup"
    assert ends[("2", "0")] == "Dial"
    assert ends[("", "")] == "Dial"  # who presses nothing twice gets a person
    assert any("Heating" in said or visit.work_order.service.name in said for said in phone.heard)
    if language != "en":
        english = ("press", "appointment", "Thank you", "Goodbye", "technician")
        assert not [said for said in phone.heard for word in english if word in said]
    with db.reading() as session:
        events = [event.kind for event in session.get_one(Visit, visit.id).events]
    assert "confirmed" in events
    tasks = rows(db, OfficeTask)
    assert {(task.kind, task.visit_id) for task in tasks} == {("call_back", visit.id)}
    assert tasks[0].due_at - tasks[0].created_at == timedelta(hours=4)
    assert len(tasks) == len([row for row in rows(db, InboundMessage) if row.body == "2"])


def test_a_key_counts_once_a_call(db: Database, client: FlaskClient, book: Book) -> None:
    """Providers repeat themselves; another call counts again."""
    visit, phone = book(phone=PHONE), Phone(client)
    for call in ("CA1", "CA1", "CA2"):
        phone.call = call
        phone.ask("/hooks/voice/key?tries=1", Digits="1")
        phone.ask("/hooks/voice/key?tries=1", Digits="2")
    with db.reading() as session:
        events = [event.kind for event in session.get_one(Visit, visit.id).events]
    assert events.count("confirmed") == 2
    assert len(rows(db, OfficeTask)) == 2


def test_who_is_not_known_is_called_back_or_put_through(db: Database, client: FlaskClient) -> None:
    """An unknown number is a task with the number. Who hides theirs is told so and types one; that makes the
    task, once a call, about nobody's visit. Without one, or with 0, they get a person and no task is made."""
    stranger = Phone(client, number="+14105550142")
    stranger.ask("/hooks/voice")
    assert any("no appointment" in said for said in stranger.heard)
    stranger.ask("/hooks/voice/key?tries=1", Digits="2")
    (task,) = rows(db, OfficeTask)
    assert (task.kind, task.detail, task.visit_id) == ("call_back", "+14105550142: ", None)
    hidden = Phone(client, number="anonymous", call="CA9")
    asked = hidden.ask("/hooks/voice/key?tries=1", Digits="2")
    assert hidden.heard[-4] == "We do not see the number that you call from."
    gather = asked.find("Gather")
    assert gather is not None
    assert (gather.get("finishOnKey"), gather.get("numDigits"), asked[-1].tag) == ("#", None, "Dial")
    address = gather.get("action", "")
    assert hidden.ask(address, Digits="0").findtext("Dial") == "+14105550100"
    again = hidden.ask(address, Digits="12").find("Gather")
    assert "That is no phone number." in hidden.heard
    assert again is not None
    assert hidden.ask(again.get("action", ""), Digits="")[-1].tag == "Dial"
    assert len(rows(db, OfficeTask)) == 1
    for _ in range(2):
        assert hidden.ask(address, Digits="4105550187")[-1].tag == "Hangup"
    assert [(task.detail, task.visit_id) for task in rows(db, OfficeTask)[1:]] == [("+14105550187: ", None)]


def test_a_yes_counts_for_what_the_visit_is_by_then(db: Database, book: Book, settings: Settings) -> None:
    """Between the menu and the lock somebody cancels, or moves it into the past: nothing is confirmed."""
    for number, changed in enumerate(({"state": VisitState.CANCELLED}, {"window_ends_at": NOW})):
        visit = book(phone=f"+1410555018{number}", email=f"{number}@example.com")
        with db.transaction() as session:
            caller = Caller("CA1", f"+1410555018{number}")
            menu = Menu.of(session, caller, settings, now=NOW + timedelta(hours=1))
            assert menu.visit is not None
            row = update(Visit).where(Visit.id == visit.id).values(window_starts_at=NOW - timedelta(hours=2))
            session.execute(row.values(changed), execution_options={"synchronize_session": False})
            assert b"no appointment" in menu.confirm(session).xml()
            assert "confirmed" not in [event.kind for event in session.get_one(Visit, visit.id).events]


def test_only_the_provider_is_heard(
    db: Database, client: FlaskClient, services: Services, settings: Settings
) -> None:
    """Another secret, address or key: 403. Without a secret there is no menu; a nameless call: 400."""
    phone = Phone(client)
    assert phone.post("/hooks/voice", secret="another").status_code == 403
    form = {"CallSid": "CA1", "From": PHONE, "Digits": "1"}
    headers = {"X-Twilio-Signature": sign_as_twilio(SECRET, f"{SITE}/hooks/voice", form)}
    assert client.post("/hooks/voice/key", data=form, headers=headers).status_code == 403
    assert client.post("/hooks/voice", data=form | {"Digits": "2"}, headers=headers).status_code == 403
    assert phone.post("/hooks/voice", CallSid="").status_code == 400
    silent = replace(settings, public_url=SITE)
    bare = create_app(silent, replace(services, settings=silent)).test_client()
    assert Phone(bare).post("/hooks/voice").status_code == 404
    assert rows(db, InboundMessage) == []


def test_the_check_finds_what_is_no_twiml() -> None:
    """The control of the check above."""
    for bad in (
        "<Answer/>",
        "<Response/>",
        "<Response><Say>Hi</Say></Response>",
        "<Response><Say></Say><Hangup/></Response>",
        "<Response><Gather action='/x'><Say>Hi</Say></Gather><Hangup/></Response>",
        "<Response><Play>x</Play><Hangup/></Response>",
        "<Response><Say colour='red'>Hi</Say><Hangup/></Response>",
    ):
        assert faults(fromstring(bad)), bad  # noqa: S314


def test_who_waits_hears_when_the_technician_arrives(db: Database, client: FlaskClient, book: Book) -> None:
    """From the tap and the way; when they are there, that. Then the menu again."""
    visit, phone = book(phone=PHONE), Phone(client)
    with db.transaction() as session:
        found = session.get_one(Visit, visit.id)
        technician = make_technician(session, found.territory)
        at = NOW + timedelta(minutes=25)
        make_stop(session, technician, at, at + timedelta(hours=1), visit=found, travel=timedelta(minutes=25))
        for state in (VisitState.DISPATCHED, VisitState.EN_ROUTE):
            found.advance(state, occurred_at=NOW, now=NOW, actor="test")
    assert phone.ask("/hooks/voice/key?tries=1", Digits="3").find("Gather") is not None
    assert phone.heard[0] == "The technician arrives at about 8:25 am."
    with db.transaction() as session:
        found = session.get_one(Visit, visit.id)
        found.advance(VisitState.ON_SITE, occurred_at=NOW, now=NOW, actor="test")
    phone.heard.clear()
    phone.ask("/hooks/voice/key?tries=1", Digits="3")
    assert phone.heard[0] == "The technician is with you already."
