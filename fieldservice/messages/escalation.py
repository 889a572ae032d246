"""A question that waits longer than the office may take: it becomes a task, and an e-mail says so."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.config import Settings
from fieldservice.db import exists_one, lock_names
from fieldservice.models import Channel, Conversation, Guest, OfficeTask, OutboxMessage, User
from fieldservice.models.answers import OVERDUE, lock_guest
from fieldservice.models.conversation import ANSWER_WITHIN
from fieldservice.models.facts import facts_of_nobody
from fieldservice.models.message import new_message
from fieldservice.models.owners import least_busy, owns
from fieldservice.notify.rendering import Occasion
from fieldservice.notify.translations import gettext_of

_WITHIN = timedelta(hours=1)


def escalate(session: Session, *, now: datetime) -> int:
    """Give each question that waits too long to the least busy of the office, once; returns how many."""
    waiting = session.scalars(
        select(Conversation)
        .where(Conversation.waiting_since.is_not(None), Conversation.waiting_since <= now - ANSWER_WITHIN)
        .order_by(Conversation.waiting_since)
    ).all()
    return sum(_escalate(session, conversation, now=now) for conversation in waiting)


def occasion_of(session: Session, message: OutboxMessage, settings: Settings) -> Occasion:
    """What the e-mail to the owner says: which visit, or who has none, and where to answer."""
    conversation = session.get(Conversation, message.payload["conversation_id"])
    facts = facts_of_nobody(settings, locale=settings.locale, now=message.due_at)
    link, reference = f"{settings.public_url.rstrip('/')}/board/inbox", ""
    if conversation is not None and conversation.visit is not None:
        link, reference = f"{link}/{conversation.visit_id}", conversation.visit.reference
    elif conversation is not None and conversation.guests:
        guest = conversation.guests[0]
        link, reference = f"{link}/guests/{guest.id}", _named(guest, settings.locale)
    return Occasion(kind=OVERDUE, facts=replace(facts, link=link), asker=reference)


def _named(guest: Guest, locale: str) -> str:
    """What a question of somebody without a visit is about, or who they are."""
    about = guest.service.name if guest.service is not None else ""
    known = guest.name or about or (guest.address if guest.channel != Channel.PAGE else "")
    return known or gettext_of(locale)("our booking pages")


def _escalate(session: Session, conversation: Conversation, *, now: datetime) -> bool:
    for guest in conversation.guests if conversation.visit_id is None else ():
        conversation = lock_guest(session, guest)  # somebody may give it to a visit at this moment
    since = conversation.waiting_since
    if since is None:
        return False
    key = f"{OVERDUE}:{conversation.id}:{since.isoformat()}"
    lock_names(session, [key])
    visit_id = conversation.visit_id
    about = {"conversation_id": conversation.id} if visit_id is None else {"visit_id": visit_id}
    told = select(OfficeTask.id).filter_by(kind=OVERDUE, **about).where(OfficeTask.created_at >= since)
    if exists_one(session, told):
        return False
    owner = conversation.owner if conversation.owner is not None and owns(conversation.owner) else None
    owner = owner or session.get(User, least_busy(session) or 0)
    task = OfficeTask(
        kind=OVERDUE,
        owner_id=owner.id if owner else None,
        created_at=now,
        due_at=now + _WITHIN,
        **about,
    )
    session.add(task)
    if owner is not None:
        message = new_message(
            key, OVERDUE, "email", owner.email, role="staff", payload={"conversation_id": conversation.id}
        )
        message.promise_version, message.due_at, message.next_at = 0, now, now
        session.add(message)
    return True
