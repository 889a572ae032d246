"""Booked visits, a real mail server, and a company that sends through it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from icalendar import Calendar, Event
from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.auth.links import make_link
from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.messages import service
from fieldservice.models import OutboxMessage, Visit, Window
from fieldservice.notify import Channels, open_channels
from fieldservice.notify.smtp import SmtpMailer
from tests import factories
from tests.factories import NOW
from tests.services import SmtpSink

WINDOW = factories.window()  # tomorrow, 10 am – 12 pm in Baltimore


@dataclass
class Sender:
    """Sweeps one database through one set of channels, each time under a name of its own."""

    db: Database
    channels: Channels
    settings: Settings
    count: int = 0

    def sweep(self, now: datetime = NOW, limit: int = 500) -> service.SweepResult:
        """One sweep at `now`."""
        self.count += 1
        return service.sweep(
            self.db, self.channels, self.settings, now=now, owner=f"test-{self.count}", limit=limit
        )


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    """A mail server."""
    with SmtpSink() as sink:
        yield sink


@pytest.fixture
def sender(db: Database, settings: Settings, sink: SmtpSink) -> Sender:
    """Sends e-mail to the mail server, impatiently, and texts to files."""
    settings = replace(settings, smtp_url=sink.url, public_url="https://visits.example.com")
    mailer = replace(SmtpMailer.from_url(sink.url), timeout=timedelta(seconds=0.5))
    return Sender(db, replace(open_channels(settings), email=mailer), settings)


type Book = Callable[..., Visit]


@pytest.fixture
def book(db: Database, settings: Settings) -> Book:
    """Books a visit of a customer who can be reached by e-mail alone, unless `phone` is given."""

    def book(
        email: str = "rosa@example.com",
        *,
        window: Window = WINDOW,
        now: datetime = NOW,
        zone: str = "America/New_York",
        name: str = "Rosa Diaz",
        phone: str = "",
        site: dict[str, Any] | None = None,
        **service: Any,
    ) -> Visit:
        with db.transaction() as session:
            territory = factories.make_territory(session, time_zone=zone)
            order = factories.make_work_order(
                session,
                site=factories.make_site(session, **(site or {})),
                service=factories.make_service(session, **service),
                contact={"name": name, "email": email, "phone": phone},
            )
            visit = factories.make_visit(session, territory=territory, work_order=order)
            make_link(
                visit, secret_key=settings.secret_key, now=now, expires_at=window.ends_at + timedelta(days=30)
            )
            visit.promise(window, now=now, actor="customer")
            session.flush()
            return visit

    return book


def messages_of(db: Database, visit: Visit) -> list[OutboxMessage]:
    """The visit's messages as they are stored, in the order in which they were written."""
    with db.reading() as session:
        query = select(OutboxMessage).where(OutboxMessage.visit_id == visit.id).order_by(OutboxMessage.id)
        return list(session.scalars(query))


def part(mail: EmailMessage, kind: str) -> str:
    """The mail's only part of a kind, such as text/html."""
    (found,) = (part for part in mail.walk() if part.get_content_type() == kind)
    assert isinstance(found, EmailMessage)
    return "\n".join(str(found.get_content()).splitlines())


def entry(mail: EmailMessage) -> Event:
    """The mail's calendar entry."""
    (event,) = Calendar.from_ical(part(mail, "text/calendar")).events
    return event


def states(db: Database, visit: Visit) -> dict[str, str]:
    """Kind of message -> state; the newest of a kind counts."""
    return {message.kind: message.state for message in messages_of(db, visit)}


def change(db: Database, visit: Visit, work: Callable[[Visit], object]) -> None:
    """Change the visit in a transaction of its own."""

    def run(session: Session) -> None:
        work(session.get_one(Visit, visit.id))

    db.run(run)


def texts_in(settings: Settings) -> list[Path]:
    """The texts that were written."""
    return sorted((settings.data_dir / "sms").glob("*.json"))


def states_of_all(db: Database) -> dict[str, int]:
    """How many messages of all visits are in each state."""
    with db.reading() as session:
        return service.status(session)


def rows(db: Database, table: type[Any]) -> list[Any]:
    """All rows of a table."""
    with db.reading() as session:
        return list(session.scalars(select(table)))
