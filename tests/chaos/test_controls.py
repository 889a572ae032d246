"""Positive controls of the chaos test: its counts see what is lost or sent twice once a guard is off.

Each death is played in this process, by an exception at the very point at which a process might be killed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from fieldservice.app import create_app
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.messages import service as messages
from fieldservice.models import MessageState, OutboxMessage, Visit, Window
from fieldservice.notify import open_channels
from fieldservice.web import Services
from tests.chaos.verdict import duplicates, missing, send_the_rest, sent, undelivered, unsent
from tests.factories import make_company, make_customer, make_site, make_visit, make_work_order, window
from tests.services import SmtpSink
from tests.signing_in import csrf_token
from tests.stories.rivals import draft, real_now

MESSAGES = 5
GUARDED = pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "unguarded"])


class Killed(BaseException):
    """The process ends here: nothing of the product catches this."""


@pytest.fixture
def settings(settings: Settings, sink: SmtpSink) -> Settings:
    """The product with a real mail server."""
    return replace(settings, smtp_url=sink.url, sms_gateway="none")


@pytest.fixture
def outbox(db: Database) -> int:
    """How many confirmations are due: no other message is for another day."""

    def write(session: Session) -> None:
        now = real_now()
        company = make_company(session)
        starts_at = now + timedelta(hours=72)
        for position in range(MESSAGES):
            customer = make_customer(session, email=f"customer{position}@example.com", phone="")
            site = make_site(session, customer, territory=company.territory)
            order = make_work_order(session, site=site, service=company.service)
            visit = make_visit(session, territory=company.territory, work_order=order)
            visit.promise(Window(starts_at, starts_at + timedelta(hours=2)), now=now, actor="test")

    db.run(write)
    return MESSAGES


def sweep(db: Database, settings: Settings, owner: str, now: datetime | None = None) -> None:
    """One sweep of a worker, which may be killed in it."""
    try:
        messages.sweep(db, open_channels(settings), settings, now=now or real_now(), owner=owner)
    except Killed:
        return


def die(monkeypatch: pytest.MonkeyPatch, *, times: int, after_sending: bool, fresh_ids: bool = False) -> None:
    """Kill the next sweeps at their first message: before it is sent, or before that is written down."""
    send, left = messages._Sweeper.send, [None] * times

    def send_and_die(sweeper: Any, order: Any, post: Any) -> Any:
        if fresh_ids:
            order = replace(order, key=f"{order.key} {len(left)}")
        if left and after_sending:
            send(sweeper, order, post)
        if left:
            left.pop()
            raise Killed
        return send(sweeper, order, post)

    monkeypatch.setattr(messages._Sweeper, "send", send_and_die)


def claim_with(monkeypatch: pytest.MonkeyPatch, change: Callable[[OutboxMessage], None]) -> None:
    """Claim messages with `change` made to what the claim has written."""
    claim = messages._Sweeper._claim

    def careless(sweeper: Any, session: Session, message: OutboxMessage, visit: Visit, at: datetime) -> Any:
        order = claim(sweeper, session, message, visit, at)
        change(message)
        return order

    monkeypatch.setattr(messages._Sweeper, "_claim", careless)


def mark_as_sent(message: OutboxMessage) -> None:
    """Write down that a message was sent before it is."""
    message.state, message.lease_until = MessageState.SENT, None


def without_lease(message: OutboxMessage) -> None:
    """Let anybody else take the message at the same time."""
    message.state, message.lease_until = MessageState.PENDING, None


@GUARDED
def test_a_message_marked_before_it_is_sent_is_missed(
    settings: Settings,
    db: Database,
    sink: SmtpSink,
    outbox: int,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    """A sweep dies before it sends: nothing is lost; had it marked the message first, one would be."""
    if not guarded:
        claim_with(monkeypatch, mark_as_sent)
    die(monkeypatch, times=1, after_sending=False)
    sweep(db, settings, "killed")
    send_the_rest(db, settings)
    assert unsent(db) == set()
    assert len(undelivered(db, sink)) == (0 if guarded else 1)
    assert len(sink.messages) == outbox - (0 if guarded else 1)


def test_a_message_nobody_sends_is_missed(db: Database, sink: SmtpSink, outbox: int) -> None:
    """Before any sweep all messages count as unsent; one that no sweep finds any more stays so."""
    assert len(unsent(db)) == outbox
    db.run(lambda session: session.execute(update(OutboxMessage).values(state=MessageState.DEAD)))
    assert len(unsent(db)) == outbox
    assert sent(db) == set()
    assert duplicates(db, sink) == 0


@pytest.mark.parametrize("fresh_ids", [False, True], ids=["same id", "fresh ids"])
def test_mails_sent_again_are_counted(
    settings: Settings,
    db: Database,
    sink: SmtpSink,
    outbox: int,
    monkeypatch: pytest.MonkeyPatch,
    fresh_ids: bool,
) -> None:
    """Sweeps that die between sending and marking leave one duplicate each, whatever it is called."""
    claim_with(monkeypatch, without_lease)
    die(monkeypatch, times=2, after_sending=True, fresh_ids=fresh_ids)
    sweep(db, settings, "killed once")
    sweep(db, settings, "killed twice")
    monkeypatch.undo()
    send_the_rest(db, settings)
    assert (unsent(db), undelivered(db, sink)) == (set(), set())
    assert len(sink.messages) == outbox + 2
    assert duplicates(db, sink) == 2


@GUARDED
def test_a_duplicate_without_a_kill_is_counted(
    settings: Settings,
    db: Database,
    sink: SmtpSink,
    outbox: int,
    monkeypatch: pytest.MonkeyPatch,
    guarded: bool,
) -> None:
    """Two sweeps side by side send each message once; without the lease both send the same one."""
    if not guarded:
        claim_with(monkeypatch, without_lease)
    send = messages._Sweeper.send

    def send_beside_another(sweeper: Any, order: Any, post: Any) -> Any:
        if sweeper.owner == "first" and not sink.messages:
            sweep(db, settings, "second")
        return send(sweeper, order, post)

    monkeypatch.setattr(messages._Sweeper, "send", send_beside_another)
    sweep(db, settings, "first")
    assert (unsent(db), undelivered(db, sink)) == (set(), set())
    assert duplicates(db, sink) == (0 if guarded else 1)


class Forgetful(Database):
    """The database, but what was answered is taken back instead of committed."""

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session whose work is flushed and rolled back."""
        with self._write() as session:
            yield session
            session.flush()
            session.rollback()


@GUARDED
def test_a_booking_acknowledged_before_it_is_stored_is_missed(
    services: Services, db: Database, database_url: str, guarded: bool
) -> None:
    """The customer's page says booked: the visit is there; without the commit it counts as lost."""
    used = db if guarded else Forgetful(database_url)
    app = create_app(services.settings, replace(services, db=used))
    now = real_now()
    with db.transaction() as session:
        company = make_company(session)
        picked = window(now.date() + timedelta(days=3), 10, 12)
        token = draft(session, company, now=now, picked=picked).token
    client = app.test_client()
    form = {"name": "A Customer", "email": "customer@example.com", "idempotency_key": "key-of-the-form"}
    answer = client.post(f"/book/{token}/confirm", data={**form, "csrf_token": csrf_token(client)})
    assert answer.status_code == 303
    assert answer.headers["Location"].endswith("/booked")
    assert missing(db, {form["email"]}) == (set() if guarded else {form["email"]})
    used.dispose()
