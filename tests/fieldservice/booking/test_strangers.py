"""Who wrote and never became a customer is forgotten a month after the last word, and not before."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.booking import strangers
from fieldservice.booking.tasks import forget_old
from fieldservice.db import Database
from fieldservice.dispatch import guests
from fieldservice.messages.inbound import Received, receive
from fieldservice.models import Channel, Conversation, Guest, InboundMessage, OfficeTask, TextStop
from fieldservice.web import Services
from tests.factories import NOW, make_visit
from tests.fieldservice.dispatch.test_guests import make_guest
from tests.signing_in import make_user

MONTH = timedelta(days=30)


def left(session: Session) -> set[str]:
    """The names of guests, and of those whose texts are kept."""
    names = set(session.scalars(select(Guest.name)))
    return names | set(session.scalars(select(InboundMessage.body)))


def test_strangers_are_forgotten_a_month_after_the_last_word(services: Services, db: Database) -> None:
    """With what came for it and the tasks about it. Who waits, who got a visit and a number that said STOP
    are kept; on a page that is closed nobody waits."""

    def text(session: Session, key: str, body: str, **of: str) -> InboundMessage:
        sender = {"sender": "14105550142", "channel": "whatsapp"} | of
        return receive(session, Received(provider_key=key, body=body, **sender), locale="en_US", now=NOW)

    with db.transaction() as session:
        user = make_user(session).id
        text(session, "a", "answered text", person="answered")
        answered = session.scalars(select(Guest)).one()
        guests.answer(session, answered, "Yes.", user_id=user, now=NOW)
        session.add(OfficeTask(kind="unreachable", conversation_id=answered.conversation_id, created_at=NOW))
        text(session, "b", "waiting text", sender="14105550143", person="waiting")
        make_guest(session, channel=Channel.PAGE, address="x" * 43, name="on a page")
        guests.give(session, make_guest(session, name="customer"), make_visit(session), now=NOW)
        for key, body in (("c", "Who are you?"), ("d", "STOP")):
            text(session, key, body, channel=Channel.SMS, sender="+14105550144")
        asked = session.scalars(select(OfficeTask).where(OfficeTask.kind == "unknown_sender")).one()
        asked.done_at = NOW
        everything = {*left(session)}
        assert len(everything) == 8
    forget_old(services, now=NOW + MONTH - timedelta(minutes=1))
    with db.reading() as session:
        assert left(session) == everything
    forget_old(services, now=NOW + MONTH)
    with db.reading() as session:
        assert left(session) == {"waiting", "waiting text", "customer", "STOP"}
        assert session.scalars(select(OfficeTask)).all() == []
        assert len(session.scalars(select(Conversation)).all()) == 2
        assert len(session.scalars(select(TextStop)).all()) == 1
    with db.transaction() as session:
        assert strangers.drop_old(session, now=NOW + MONTH) == 0
