"""An answer of the office on its way: on the channel on which the customer wrote last."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from fieldservice.models.aftercare import Purpose
from fieldservice.models.conversation import Channel, Conversation, ConversationMessage
from fieldservice.models.customer import OfficeTask, Role
from fieldservice.models.guest import Guest
from fieldservice.models.inbound import InboundMessage
from fieldservice.models.message import MessageState, OutboxMessage, new_message
from fieldservice.models.visit import Visit
from fieldservice.models.workforce import Territory

KIND = "answer"
ANSWERS = frozenset({KIND, "complaint_answer"})
OVERDUE = "overdue"
"""The task, and the e-mail about it, of a question that waits too long."""
_OWN = frozenset({Channel.PAGE, Channel.EMAIL, Channel.SMS, Channel.VOICE})


def zone_before_a_visit(session: Session) -> ZoneInfo:
    """In whose time messages are shown to and of somebody who has no place yet: the first territory's."""
    first = session.scalars(select(Territory).order_by(Territory.id).limit(1)).first()
    return first.zone if first is not None else ZoneInfo("UTC")


def tell_answer(
    session: Session,
    conversation: Conversation,
    message: ConversationMessage,
    *,
    kind: str = KIND,
    now: datetime,
) -> None:
    """Write what brings an answer to its customer; whoever waits on a page before booking sees it there."""
    visit, channel = conversation.visit, conversation.last_channel
    told = {"message_id": message.id, "occasion": f"m{message.id}"}
    if channel not in _OWN:
        if (recipient := _address_on(session, conversation, channel)) is not None:
            _tell_on(session, visit, kind, channel, recipient, told, now=now)
            message.channel = channel
    elif visit is not None:
        by_text = channel == Channel.SMS and _takes_texts(visit)
        visit.tell(kind, due_at=now, now=now, payload=told, channel="sms" if by_text else "")
        message.channel = Channel.SMS if by_text else message.channel


def lock_guest(session: Session, guest: Guest) -> Conversation:
    """Keep others from deciding about the guest until the transaction ends; the conversation as it is."""
    session.refresh(guest, with_for_update={"of": Guest})
    session.refresh(guest.conversation)
    return guest.conversation


def end_the_wait(session: Session, conversation: Conversation, *, user_id: int, now: datetime) -> None:
    """Nobody waits for an answer any more: what was asked for because somebody did is done."""
    conversation.settle()
    about = OfficeTask.conversation_id == conversation.id
    if conversation.visit_id is not None:
        about = or_(about, OfficeTask.visit_id == conversation.visit_id)
    late = update(OfficeTask).where(OfficeTask.kind == OVERDUE, OfficeTask.done_at.is_(None), about)
    session.execute(late.values(done_at=now, done_by_id=user_id))
    told = OutboxMessage.payload["conversation_id"].as_integer() == conversation.id
    mail = update(OutboxMessage).where(
        OutboxMessage.kind == OVERDUE, OutboxMessage.state == MessageState.PENDING, told
    )
    session.execute(mail.values(state=MessageState.CANCELLED, last_error="nobody waits any more"))


def join(session: Session, guest: Guest, visit: Visit, *, now: datetime) -> Visit:
    """A guest turned out to be the customer of a visit: the transcript and what was sent are the visit's.

    Whoever comes first decides: returns the visit that has the conversation from now on, or has had it.
    """
    conversation = lock_guest(session, guest)
    if conversation.visit is not None:
        return conversation.visit
    session.refresh(visit, with_for_update={"of": Visit})
    tasks = update(OfficeTask).where(OfficeTask.conversation_id == conversation.id)
    session.execute(tasks.values(visit_id=visit.id, conversation_id=None))
    if visit.conversation is None:
        conversation.visit = visit
    else:
        other = visit.conversation
        other.messages += list(conversation.messages)
        waits = [at for at in (other.waiting_since, conversation.waiting_since) if at is not None]
        other.waiting_since, other.last_at = min(waits, default=None), max(other.last_at, now)
        other.guests += list(conversation.guests)
        other.owner_id = other.owner_id or conversation.owner_id
        session.flush()
        session.expire(conversation)
        session.delete(conversation)
    session.flush()
    if guest.channel not in _OWN:
        theirs = InboundMessage.channel == guest.channel, InboundMessage.sender == guest.address
        session.execute(update(InboundMessage).where(*theirs).values(visit_id=visit.id))
        sent = OutboxMessage.channel == guest.channel, OutboxMessage.recipient == guest.address
        session.execute(update(OutboxMessage).where(*sent).values(visit_id=visit.id))
    return visit


def _tell_on(
    session: Session,
    visit: Visit | None,
    kind: str,
    channel: str,
    recipient: str,
    told: dict[str, object],
    *,
    now: datetime,
) -> None:
    occasion = f"{visit.reference}:p{visit.promise_version}" if visit is not None else "guest"
    message = new_message(occasion, kind, channel, recipient, role=Role.REQUESTER, payload=told)
    message.promise_version = visit.promise_version if visit is not None else 0
    message.due_at = message.next_at = now
    message.visit_id = visit.id if visit is not None else None
    session.add(message)


def _takes_texts(visit: Visit) -> bool:
    contact = visit.work_order.contact(Role.REQUESTER)
    return contact is not None and bool(contact.phone) and visit.work_order.allows(Purpose.TEXTS)


def _address_on(session: Session, conversation: Conversation, channel: str) -> str | None:
    """What the channel calls whoever wrote last in the conversation."""
    wrote = select(InboundMessage.sender).where(
        InboundMessage.channel == channel, InboundMessage.visit_id == conversation.visit_id
    )
    if conversation.visit_id is not None:
        return session.scalar(wrote.order_by(InboundMessage.id.desc()).limit(1))
    guest = session.scalar(select(Guest).where(Guest.conversation_id == conversation.id))
    return guest.address if guest is not None else None
