"""Conversations of people who have no visit yet: answered where they write, and given to a visit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from fieldservice.models import Conversation, ConversationMessage, Guest, OfficeTask, Visit
from fieldservice.models.answers import end_the_wait, join, lock_guest, tell_answer

_AT_MOST = 100


def lately(session: Session, *which: ColumnElement[bool], since: datetime) -> Sequence[Guest]:
    """Who wrote without a visit: those who wait first, then those who were answered since then."""
    open_ones = or_(Conversation.waiting_since.is_not(None), Conversation.last_at > since)
    query = (
        select(Guest)
        .join(Guest.conversation)
        .where(Conversation.visit_id.is_(None), open_ones, *which)
        .options(joinedload(Guest.conversation).options(selectinload(Conversation.messages)))
        .options(joinedload(Guest.service), joinedload(Guest.conversation, Conversation.owner))
        .order_by(
            Conversation.waiting_since.is_(None), Conversation.waiting_since, Conversation.last_at.desc()
        )
    )
    return session.scalars(query.limit(_AT_MOST)).all()


def tasks(session: Session, *which: ColumnElement[bool]) -> Sequence[tuple[OfficeTask, Guest]]:
    """What the office has to do for people without a visit, by deadline."""
    query = (
        select(OfficeTask, Guest)
        .join(Guest, Guest.conversation_id == OfficeTask.conversation_id)
        .where(OfficeTask.done_at.is_(None), *which)
        .options(joinedload(OfficeTask.owner))
        .order_by(OfficeTask.due_at, OfficeTask.id)
    )
    return [(task, guest) for task, guest in session.execute(query.limit(_AT_MOST))]


def answer(session: Session, guest: Guest, body: str, *, user_id: int, now: datetime) -> ConversationMessage:
    """Write to a guest, who gets it on the channel, or sees it on the page on which they wait."""
    conversation = lock_guest(session, guest)
    message = conversation.answer(body, user_id=user_id, now=now)
    end_the_wait(session, conversation, user_id=user_id, now=now)
    session.flush()
    tell_answer(session, conversation, message, now=now)
    return message


def settle(session: Session, guest: Guest, *, user_id: int, now: datetime) -> None:
    """Nobody waits for an answer any more."""
    end_the_wait(session, lock_guest(session, guest), user_id=user_id, now=now)


def give(session: Session, guest: Guest, visit: Visit, *, now: datetime) -> Visit:
    """From now on the guest is the customer of this visit: what was written is with it.

    Returns the visit that has the conversation, which is another one where somebody was faster.
    """
    return join(session, guest, visit, now=now)


def visit_named(session: Session, reference: str) -> Visit | None:
    """The visit with a reference, as people type it."""
    wanted = reference.strip().upper()
    return session.scalar(select(Visit).where(Visit.reference == wanted)) if wanted else None
