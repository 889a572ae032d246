"""What could not be told on one channel is told on the other one, or becomes a task: nobody waits unheard."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import exists_one
from fieldservice.messages import pushes
from fieldservice.models import (
    Conversation,
    ConversationMessage,
    MessageState,
    OfficeTask,
    OutboxMessage,
    Purpose,
    Role,
    TextStop,
    Unreachable,
    Visit,
)
from fieldservice.models.answers import ANSWERS, lock_guest
from fieldservice.models.push import PUSH

TASK = "unreachable"
_CALL_WITHIN = timedelta(hours=4)
_MAY_ARRIVE = (MessageState.PENDING, MessageState.SENDING, MessageState.SENT, MessageState.UNKNOWN)
_NO_SUCH_ADDRESS = re.compile(r"not an e-mail address|\b5\.1\.\d{1,3}\b|\b5\.2\.1\b")
"""RFC 3463: what is wrong is the address itself. Other refusals may be about one message, or about us."""


def mark(session: Session, channel: str, address: str, reason: str, *, now: datetime) -> None:
    """From now on nothing is sent to the address; the first reason stays."""
    if not is_unreachable(session, channel, address):
        session.add(Unreachable(channel=channel, address=_same(address), reason=reason[:500], since=now))
        session.flush()


def is_unreachable(session: Session, channel: str, address: str) -> bool:
    """Whether nothing is sent to the address any more."""
    return session.get(Unreachable, (channel, _same(address))) is not None


def is_stopped(session: Session, phone: str) -> bool:
    """Whether the number wants no texts."""
    return session.get(TextStop, phone) is not None


def clear(session: Session, channel: str, address: str) -> None:
    """The address works again: its owner wrote from it."""
    if (row := session.get(Unreachable, (channel, _same(address)))) is not None:
        session.delete(row)


def is_about_the_address(reason: str) -> bool:
    """Whether a server's final refusal says that there is no such address, rather than anything else."""
    return _NO_SUCH_ADDRESS.search(reason) is not None


def give_up(session: Session, message: OutboxMessage, *, now: datetime) -> None:
    """What follows when a message failed for good."""
    if message.channel == PUSH:
        pushes.end(session, message)
        return
    if is_about_the_address(message.last_error):
        mark(session, message.channel, message.recipient, message.last_error, now=now)
    fall_back(session, message, message.last_error, now=now)


def fall_back(session: Session, message: OutboxMessage, reason: str, *, now: datetime) -> None:
    """Tell on another channel what failed for good on this one; where there is none, the office has to call.

    Nothing is told twice: where the other channel had the same message from the beginning, that is enough.
    """
    if message.visit_id is None and message.kind in ANSWERS:
        _tell_the_office(session, message, reason, now=now)
    visit = session.get(Visit, message.visit_id) if message.visit_id is not None else None
    if visit is None or (message.promise_version != visit.promise_version and message.kind not in ANSWERS):
        return
    session.refresh(visit, with_for_update={"of": Visit})
    if message.role == Role.REQUESTER:
        other, recipient = _other_way(visit, message.channel)
        if recipient and _is_open(session, visit, other, recipient):
            same = _same_on(visit, message, other)
            if not same:
                visit.repeat(message, other, recipient, now=now)
            if not same or any(each.state in _MAY_ARRIVE for each in same):
                return
    ask_for_a_call(session, visit, f"{message.recipient}: {reason}", now=now)


def _tell_the_office(session: Session, message: OutboxMessage, reason: str, *, now: datetime) -> None:
    """Somebody without a visit did not get their answer, and there is no other way to them that we know."""
    written = session.get(ConversationMessage, message.payload["message_id"])
    if written is not None:
        for guest in written.conversation.guests:
            lock_guest(session, guest)
        session.refresh(written)
        about = written.conversation.visit or written.conversation
        ask_for_a_call(session, about, f"{message.recipient}: {reason}", now=now)


def _other_way(visit: Visit, channel: str) -> tuple[str, str]:
    contact = visit.work_order.contact(Role.REQUESTER)
    if contact is None:
        return "", ""
    return ("sms", contact.phone) if channel == "email" else ("email", contact.email)


def _is_open(session: Session, visit: Visit, channel: str, recipient: str) -> bool:
    if is_unreachable(session, channel, recipient):
        return False
    return channel == "email" or (
        visit.work_order.allows(Purpose.TEXTS) and not is_stopped(session, recipient)
    )


def _same_on(visit: Visit, message: OutboxMessage, channel: str) -> list[OutboxMessage]:
    """What was written about the same on another channel."""
    wanted = (message.kind, message.promise_version, message.payload.get("occasion"))
    return [
        other
        for other in visit.messages
        if (other.kind, other.promise_version, other.payload.get("occasion")) == wanted
        and other.channel == channel
        and other.role == message.role
    ]


def ask_for_a_call(session: Session, about: Visit | Conversation, detail: str, *, now: datetime) -> None:
    """One open task a visit, or a conversation without one, however many messages fail."""
    whose = {"visit_id" if isinstance(about, Visit) else "conversation_id": about.id}
    waiting = select(OfficeTask.id).filter_by(kind=TASK, done_at=None, **whose)
    if not exists_one(session, waiting):
        task = OfficeTask(kind=TASK, detail=detail, created_at=now, due_at=now + _CALL_WITHIN, **whose)
        session.add(task)


def _same(address: str) -> str:
    return address.strip().lower()[:254]
