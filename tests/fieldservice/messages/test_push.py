"""Notifications leave by the outbox like everything else: once, and never as the only way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.auth import sessions, users
from fieldservice.db import Database
from fieldservice.messages.service import SweepResult
from fieldservice.models import OfficeTask, OutboxMessage, PushDevice, User, Visit
from fieldservice.models.push import MOST_DEVICES, subscribe, tell_devices
from fieldservice.notify.push import WebPush
from tests.factories import NOW, window
from tests.fieldservice.messages.conftest import WINDOW, Book, Sender, change, rows
from tests.push_service import PushService
from tests.services import SmtpSink
from tests.signing_in import make_user

LATER = NOW + timedelta(hours=1)
NEW = {"occasion": "new", "now": NOW}


@pytest.fixture
def service() -> Iterator[PushService]:
    """The maker of a browser."""
    with PushService() as service:
        yield service


@pytest.fixture
def pushing(sender: Sender) -> Sender:
    """Sends notifications to this machine, too."""
    sender.channels = replace(sender.channels, push=WebPush("a secret", "office@example.com", local=True))
    return sender


@pytest.fixture
def user(db: Database, service: PushService) -> User:
    """Somebody who is signed in twice, in a browser that takes notifications and in another one."""

    def work(session: Session) -> User:
        user = make_user(session)
        for token in ("one", "two"):
            device = replace(service.device, endpoint=f"{service.origin}/{token}")
            mark = sessions.hash_of(token)
            subscribe(session, device, now=NOW, user_id=user.id, login=mark, locale="da")
        return user

    return db.run(work)


def tell(db: Database, user: User, occasion: str = "one") -> int:
    """Write that the route has changed."""
    return db.run(lambda session: tell_devices(session, user.id, "route", occasion=occasion, now=NOW))


def test_a_user_is_told_once_in_each_browser(
    db: Database, pushing: Sender, service: PushService, user: User
) -> None:
    """In their own language; the row keeps what was said."""
    assert (tell(db, user), tell(db, user)) == (2, 0)
    assert pushing.sweep() == SweepResult(sent=2)
    assert [shown["title"] for shown in service.shown] == ["Harbor Heating"] * 2
    assert "rute" in service.shown[0]["body"].lower()
    assert {message.sent_text for message in rows(db, OutboxMessage)} == {service.shown[0]["body"]}


def test_a_browser_that_is_gone_is_forgotten(
    db: Database, pushing: Sender, service: PushService, user: User
) -> None:
    """410: no task for the office, and nothing is written any more. 503 is tried again, 400 gives up one."""
    tell(db, user)
    service.status = 503
    assert pushing.sweep() == SweepResult(delayed=2)
    service.status = 400
    assert pushing.sweep(NOW + timedelta(minutes=5)) == SweepResult(dead=2)
    assert len(rows(db, PushDevice)) == 2
    tell(db, user, "two")
    service.status = 410
    assert pushing.sweep(LATER) == SweepResult(dead=2)
    assert rows(db, PushDevice) == rows(db, OfficeTask) == []
    assert tell(db, user, "three") == 0


def test_the_end_of_a_login_ends_its_notifications(
    db: Database, pushing: Sender, service: PushService, user: User
) -> None:
    """Signed out in one browser, told in the other; another password or a closed account ends all."""
    tell(db, user)
    db.run(lambda session: sessions.end(session, "one", now=NOW))
    assert pushing.sweep() == SweepResult(sent=1, retired=1)
    db.run(lambda session: users.deactivate(session, session.get_one(User, user.id), now=NOW))
    assert rows(db, PushDevice) == []


def test_a_customer_is_told_in_the_browser_as_well(
    db: Database, pushing: Sender, sink: SmtpSink, service: PushService, book: Book
) -> None:
    """A new time: an e-mail as before, and a notification that names nobody. A code never goes this way."""
    visit = book()
    db.run(lambda session: subscribe(session, service.device, now=NOW, visit_id=visit.id, locale="en_US"))
    pushing.sweep()
    sink.messages.clear()
    change(db, visit, lambda visit: visit.promise(window(starts=14, ends=16), now=NOW, actor="office"))
    assert pushing.sweep().sent == 2
    assert len(sink.messages) == 1
    shown = {"title": "Harbor Heating", "body": "Your visit has a new time", "page": "", "tag": "visit"}
    assert service.shown == [shown]
    change(db, visit, lambda visit: visit.tell("code", due_at=NOW, now=NOW, payload={"nonce": "n"}))
    assert [m.channel for m in rows(db, OutboxMessage) if m.kind == "code"] == ["email"]
    service.status = 410
    change(db, visit, lambda visit: visit.cancel(now=NOW, actor="office"))
    assert pushing.sweep(LATER).dead == 1
    assert rows(db, OfficeTask) == []


def test_who_asks_after_the_booking_is_reminded_as_well(
    db: Database, pushing: Sender, service: PushService, book: Book
) -> None:
    """Of what is still to come, once; a new time brings its own reminders, one to each browser."""
    visit = book(phone="+14105550187")
    pushing.sweep()

    def ask(session: Session, name: str = "one") -> None:
        device = replace(service.device, endpoint=f"{service.origin}/{name}")
        subscribe(session, device, now=NOW, visit_id=visit.id, locale="en_US")

    db.run(ask)
    db.run(ask)
    assert reminders(db) == ["reminder_24h", "reminder_2h"]
    assert pushing.sweep(WINDOW.starts_at - timedelta(hours=24)).sent == 3
    assert [shown["body"] for shown in service.shown] == ["Your visit is coming up"]
    db.run(partial(ask, name="two"))
    assert reminders(db) == ["reminder_24h", "reminder_2h", "reminder_2h"]
    change(db, visit, lambda visit: visit.promise(window(starts=14, ends=16), now=NOW, actor="office"))
    assert reminders(db, promise=2) == ["reminder_24h", "reminder_24h", "reminder_2h", "reminder_2h"]
    db.run(partial(ask, name="three"))
    assert len(reminders(db, promise=2)) == 6
    change(db, visit, lambda visit: visit.cancel(now=NOW, actor="office"))
    db.run(partial(ask, name="four"))
    assert len(reminders(db, promise=2)) == 6


def reminders(db: Database, promise: int = 1) -> list[str]:
    """The reminders of a promise that browsers get."""
    found = [message for message in rows(db, OutboxMessage) if message.promise_version == promise]
    return sorted(m.kind for m in found if m.channel == "push" and m.kind.startswith("reminder"))


def test_nobody_has_endless_browsers(db: Database, service: PushService, user: User) -> None:
    """The oldest goes; the same browser asked for twice is one."""

    def work(session: Session) -> None:
        for number in range(20):
            device = replace(service.device, endpoint=f"{service.origin}/{number // 2}")
            subscribe(session, device, now=NOW, user_id=user.id, login="x", locale="da")

    db.run(work)
    kept = sorted(row.endpoint for row in rows(db, PushDevice))
    assert kept == [f"{service.origin}/{number}" for number in range(10 - MOST_DEVICES, 10)]


def test_what_was_for_one_reaches_nobody_else(
    db: Database, pushing: Sender, service: PushService, user: User, book: Book
) -> None:
    """Another person's browser that got the number of one that is gone, by a restored backup, is not told."""
    first, other = book("rosa@example.com"), book("joe@example.com")

    def ask(session: Session) -> None:
        subscribe(session, service.device, now=NOW, visit_id=first.id, locale="en_US")
        session.get_one(Visit, first.id).promise(window(starts=14, ends=16), now=NOW, actor="office")

    db.run(ask)
    assert tell(db, user) == 2

    def swap(session: Session) -> None:
        stranger, old = make_user(session, name="Eve", email="eve@example.com"), []
        for device in session.scalars(select(PushDevice).order_by(PushDevice.id)):
            old.append((device.id, {"visit_id": other.id} if device.visit_id else {"user_id": stranger.id}))
            session.delete(device)
        session.flush()
        for number, owner in old:
            row = PushDevice.of(service.device, id=number, locale="en_US", created_at=NOW, **owner)
            session.add(row)

    db.run(swap)
    assert len(rows(db, PushDevice)) == 3
    pushing.sweep()
    assert service.shown == []
    ended = [message.last_error for message in rows(db, OutboxMessage) if message.channel == "push"]
    assert ended.count("the browser wants no notifications any more") == 3
    service.status = 410
    assert db.run(lambda session: session.scalars(select(PushDevice)).first().tell("devices", **NEW))
    assert pushing.sweep().dead == 1
    assert len(rows(db, PushDevice)) == 2
