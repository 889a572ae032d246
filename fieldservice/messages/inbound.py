"""What customers send to a number or on a social channel: STOP and START, a yes, a wish to change, words."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, case, select
from sqlalchemy.orm import Session

from fieldservice.messages import unreachable
from fieldservice.messages.unreachable import is_stopped
from fieldservice.models import (
    Channel,
    ContactRole,
    Conversation,
    Guest,
    InboundMessage,
    OfficeTask,
    Outcome,
    TextStop,
    Visit,
    WorkOrder,
)
from fieldservice.models.answers import join, lock_guest, tell_answer
from fieldservice.models.conversation import LONGEST_MESSAGE
from fieldservice.models.visit import PLANNABLE
from fieldservice.notify.translations import gettext_of

STOP = frozenset({"stop", "stopall", "unsubscribe", "quit", "end", "stopp", "afmelden", "dung"})
START = frozenset({"start", "unstop", "aanmelden"})
YES = frozenset({"yes", "y", "ok", "confirm", "ja", "tak", "bevestig", "bekraeft", "potwierdzam", "co"})
CHANGE = frozenset({"change", "reschedule", "move", "wijzig", "verzetten", "aendr", "flyt"})
CHANGE |= {"zmien", "zmiana", "doi", "doi lich"}
_REPLY_WITHIN = timedelta(hours=24)
"""Within which time an unknown number is answered."""


@dataclass(frozen=True)
class Received:
    """A text as a gateway reports it; `provider_key` is the gateway's name for it.

    `phone` is the sender's number where it is known, `person` what they call themselves.
    """

    provider_key: str
    sender: str
    body: str
    phone: str = ""
    channel: str = Channel.SMS
    person: str = ""


def receive(session: Session, received: Received, *, locale: str, now: datetime) -> InboundMessage:
    """Take a text in and do what it asks for, once, however often it is reported.

    STOP and START count for the number, or for the name on a social channel, not for one visit. Everything
    else goes to the visit that the sender most likely means: the next one, else the last one. Words of a
    stranger become a task of the office, or a conversation without a visit where they can be answered.
    `locale` is the company's.
    """
    known = session.scalar(
        select(InboundMessage).where(
            InboundMessage.channel == received.channel, InboundMessage.provider_key == received.provider_key
        )
    )
    if known is not None:
        return known
    guest = _guest_of(session, received)
    visit = _visit_of_sender(session, received, guest, now=now)
    if guest is not None and visit is not None and guest.conversation.visit is None:
        # they booked since, with the number that they write from
        visit = join(session, guest, visit, now=now)
    message = InboundMessage(
        channel=received.channel,
        provider_key=received.provider_key,
        sender=received.sender,
        body=received.body,
        received_at=now,
        visit_id=visit.id if visit else None,
        outcome=Outcome.UNKNOWN,
    )
    session.add(message)
    session.flush()
    if (outcome := _end_or_begin(session, message, now=now)) is not None:
        message.outcome = outcome
    elif visit is not None:
        message.outcome = _say(session, message, visit, locale=locale, now=now)
    elif received.channel != Channel.SMS:
        conversation = (guest or _new_guest(session, received, now=now)).conversation
        conversation.ask(message.body[:LONGEST_MESSAGE], channel=message.channel, now=now)
        message.outcome = Outcome.ASKED
    else:
        detail = f"{message.sender}: {message.body}"[:LONGEST_MESSAGE]
        due = now + _REPLY_WITHIN
        session.add(OfficeTask(kind="unknown_sender", detail=detail, created_at=now, due_at=due))
    return message


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


def _guest_of(session: Session, received: Received) -> Guest | None:
    """Who wrote on the channel before, without a visit at that time."""
    same = select(Guest).where(Guest.channel == received.channel, Guest.address == received.sender)
    guest = session.scalar(same) if received.channel != Channel.SMS else None
    if guest is not None:
        lock_guest(session, guest)
    return guest


def _new_guest(session: Session, received: Received, *, now: datetime) -> Guest:
    guest = Guest(
        conversation=Conversation(last_at=now),
        channel=received.channel,
        address=received.sender,
        name=received.person,
        began_at=now,
    )
    session.add(guest)
    session.flush()
    return guest


def _visit_of_sender(
    session: Session, received: Received, guest: Guest | None, *, now: datetime
) -> Visit | None:
    """By the visit that the office gave a guest, by the number, or by what the sender wrote before."""
    if guest is not None and guest.conversation.visit is not None:
        customer = guest.conversation.visit.work_order.customer_id
        return visit_of(session, WorkOrder.customer_id == customer, now=now)
    return visit_of(session, ContactRole.phone == received.phone, now=now) if received.phone else None


def _end_or_begin(session: Session, message: InboundMessage, *, now: datetime) -> Outcome | None:
    """Stop or start sending to who wrote, on the channel on which they say so."""
    word, sender = plain(message.body), message.sender
    if word in STOP:
        if message.channel != Channel.SMS:
            unreachable.mark(session, message.channel, sender, "wants no messages", now=now)
        elif not is_stopped(session, sender):
            session.add(TextStop(phone=sender, stopped_at=now, inbound_message_id=message.id))
        return Outcome.STOPPED
    if word in START:
        if message.channel != Channel.SMS:
            unreachable.clear(session, message.channel, sender)
        elif (stop := session.get(TextStop, sender)) is not None:
            session.delete(stop)
        return Outcome.STARTED
    return None


def _say(session: Session, message: InboundMessage, visit: Visit, *, locale: str, now: datetime) -> Outcome:
    """A yes is kept with the visit; a wish to change is told how; all else is for the office."""
    session.refresh(visit, with_for_update={"of": Visit})
    word, movable = plain(message.body), visit.promised and visit.state in PLANNABLE
    if word in YES and movable:
        visit.record(
            "confirmed", occurred_at=now, now=now, actor="customer", event_key=f"inbound-{message.id}"
        )
        return Outcome.CONFIRMED
    conversation = visit.conversation
    if conversation is None:
        conversation = Conversation(visit=visit, last_at=now)
        session.add(conversation)
    conversation.ask(message.body[:LONGEST_MESSAGE], channel=message.channel, now=now)
    if not (word in CHANGE and movable):
        return Outcome.ASKED
    gettext = gettext_of(visit.work_order.locale_for(locale))
    told = conversation.add_note(
        gettext("To pick another time, open the page of your appointment. We read this message as well."),
        channel=message.channel,
        now=now,
    )
    session.flush()
    tell_answer(session, conversation, told, now=now)
    return Outcome.CHANGE


def plain(body: str) -> str:
    """A reply of one word without case, accents, points and blanks: "Stop!" is STOP."""
    letters = unicodedata.normalize("NFKD", body.casefold().replace("đ", "d").replace("æ", "ae"))
    kept = "".join(letter for letter in letters if letter.isalnum() or letter.isspace())
    return " ".join(kept.split())
