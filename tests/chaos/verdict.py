"""What must be true after processes died: the counts that decide, used by the test and by its controls."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import timedelta

from sqlalchemy import select

from fieldservice.config import Settings
from fieldservice.db import Database
from fieldservice.messages import service as messages
from fieldservice.models import MessageState, OutboxMessage, Visit, VisitState
from fieldservice.notify import open_channels
from tests.services import SmtpSink
from tests.stories.rivals import real_now


def send_the_rest(db: Database, settings: Settings) -> None:
    """What the product would do in the next minutes: sweeps, with leases of the dead run out."""
    channels = open_channels(settings)
    for minutes in (3, 6):
        now = real_now() + timedelta(minutes=minutes)
        messages.sweep(db, channels, settings, now=now, owner=f"after-{minutes}", limit=5_000)


def missing(db: Database, acknowledged: set[str]) -> set[str]:
    """The customers who were told that they have a visit and do not have exactly one, on a route."""
    with db.reading() as session:
        query = select(Visit).where(Visit.state == VisitState.BOOKED)
        kept = Counter(visit.work_order.customer.email for visit in session.scalars(query) if visit.stop)
    return {email for email in acknowledged if kept[email] != 1}


def due(db: Database) -> set[str]:
    """Keys of the messages that had to be sent by now."""
    with db.reading() as session:
        query = select(OutboxMessage.dedupe_key).where(
            OutboxMessage.due_at <= real_now(), OutboxMessage.state != MessageState.CANCELLED
        )
        return set(session.scalars(query))


def sent(db: Database) -> set[str]:
    """Keys of the messages that are written down as sent."""
    with db.reading() as session:
        query = select(OutboxMessage.dedupe_key).where(OutboxMessage.state == MessageState.SENT)
        return set(session.scalars(query))


def unsent(db: Database) -> set[str]:
    """Keys of the messages that had to be sent by now and are not written down as sent."""
    return due(db) - sent(db)


def undelivered(db: Database, sink: SmtpSink) -> set[str]:
    """Keys of the messages that are written down as sent and that the mail server never got."""
    arrived = {_name(message["Message-ID"]) for message in sink.messages}
    return {key for key in sent(db) if _name_of_key(key) not in arrived}


def duplicates(db: Database, sink: SmtpSink) -> int:
    """How many mails arrived beyond the first of each message that is written down as sent.

    A mail under an identifier that belongs to no message counts too: nobody could tell what it repeats.
    """
    return len(sink.messages) - (len(sent(db)) - len(undelivered(db, sink)))


def _name(message_id: str) -> str:
    return message_id.strip("<>").partition("@")[0]


def _name_of_key(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:32]
