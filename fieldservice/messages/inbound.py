"""Texts that customers send: STOP and START for their number, a yes to a visit, or words for the office."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import Session

from fieldservice.models import (
    Channel,
    ContactRole,
    Conversation,
    InboundMessage,
    OfficeTask,
    Outcome,
    TextStop,
    Visit,
    WorkOrder,
)
from fieldservice.models.conversation import LONGEST_MESSAGE
from fieldservice.models.visit import PLANNABLE

STOP = frozenset({"stop", "stopall", "unsubscribe", "quit", "end", "stopp", "afmelden", "dung"})
START = frozenset({"start", "unstop", "aanmelden"})
YES = frozenset({"yes", "y", "ok", "confirm", "ja", "tak", "bevestig", "bekraeft", "potwierdzam", "co"})
_REPLY_WITHIN = timedelta(hours=24)
"""Within which time an unknown number is answered."""


@dataclass(frozen=True)
class Received:
    """A text as a gateway reports it; `provider_key` is the gateway's name for it."""

    provider_key: str
    sender: str
    body: str


def receive(session: Session, received: Received, *, now: datetime) -> InboundMessage:
    """Take a text in and do what it asks for, once, however often it is reported.

    STOP and START count for the number, not for one visit. Everything else goes to the visit that the number
    most likely means: the next one, else the last one. Words of a stranger become a task of the office.
    """
    known = session.scalar(
        select(InboundMessage).where(
            InboundMessage.channel == Channel.SMS, InboundMessage.provider_key == received.provider_key
        )
    )
    if known is not None:
        return known
    visit = visit_of(session, ContactRole.phone == received.sender, now=now)
    message = InboundMessage(
        channel=Channel.SMS,
        provider_key=received.provider_key,
        sender=received.sender,
        body=received.body,
        received_at=now,
        visit_id=visit.id if visit else None,
        outcome=Outcome.UNKNOWN,
    )
    session.add(message)
    session.flush()
    message.outcome = _obey(session, message, visit, now=now)
    return message


def is_stopped(session: Session, phone: str) -> bool:
    """Whether the number wants no texts."""
    return session.get(TextStop, phone) is not None


def visit_of(session: Session, who: ColumnElement[bool], *, now: datetime) -> Visit | None:
    """The visit that such a contact most likely means: the next one to come, else the latest of the past."""
    ahead = Visit.window_ends_at > now
    query = (
        select(Visit)
        .join(WorkOrder, WorkOrder.id == Visit.work_order_id)
        .join(ContactRole, ContactRole.work_order_id == WorkOrder.id)
        .where(who)
        .order_by(
            case((ahead & Visit.state.in_(PLANNABLE), 0), else_=1),
            case((ahead, Visit.window_starts_at)),
            Visit.id.desc(),
        )
        .limit(1)
    )
    return session.scalar(query)


def _obey(session: Session, message: InboundMessage, visit: Visit | None, *, now: datetime) -> Outcome:
    word = plain(message.body)
    if word in STOP:
        if not is_stopped(session, message.sender):
            session.add(TextStop(phone=message.sender, stopped_at=now, inbound_message_id=message.id))
        return Outcome.STOPPED
    if word in START:
        if (stop := session.get(TextStop, message.sender)) is not None:
            session.delete(stop)
        return Outcome.STARTED
    if visit is None:
        detail = f"{message.sender}: {message.body}"[:LONGEST_MESSAGE]
        session.add(
            OfficeTask(kind="unknown_sender", detail=detail, created_at=now, due_at=now + _REPLY_WITHIN)
        )
        return Outcome.UNKNOWN
    session.refresh(visit, with_for_update={"of": Visit})
    if word in YES and visit.promised and visit.state in PLANNABLE:
        visit.record(
            "confirmed", occurred_at=now, now=now, actor="customer", event_key=f"inbound-{message.id}"
        )
        return Outcome.CONFIRMED
    conversation = visit.conversation
    if conversation is None:
        conversation = Conversation(visit=visit, last_at=now)
        session.add(conversation)
    conversation.ask(message.body[:LONGEST_MESSAGE], channel=Channel.SMS, now=now)
    return Outcome.ASKED


def plain(body: str) -> str:
    """A reply of one word without case, accents, points and blanks: "Stop!" is STOP."""
    letters = unicodedata.normalize("NFKD", body.casefold().replace("đ", "d").replace("æ", "ae"))
    kept = "".join(letter for letter in letters if letter.isalnum() or letter.isspace())
    return " ".join(kept.split())
