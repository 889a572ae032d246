"""What a visitor of the booking pages asks before there is a visit; when one is booked, it is the visit's."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from fieldservice.booking.conversation import TooManyMessages
from fieldservice.booking.conversation import require_room as require_room_in
from fieldservice.booking.drafts import LIFETIME, DraftExpired
from fieldservice.db import exists_one
from fieldservice.models import (
    BookingDraft,
    Channel,
    Conversation,
    ConversationMessage,
    Guest,
    Service,
    Visit,
)
from fieldservice.models.answers import join, lock_guest

_GUESTS_AT_MOST = 10
_PERIOD = timedelta(hours=1)
_OVER = "over "  # no token has a blank


class WithAVisit(Exception):
    """The conversation belongs to a visit by now; the link of the draft does not open that one."""


def guest_of(session: Session, token: str) -> Guest | None:
    """Who writes from the pages of a draft, if somebody does."""
    return session.scalar(_on_pages(token))


def open_guest(session: Session, token: str, *, now: datetime, lock: bool = False) -> Guest | None:
    """Whose conversation the token of a draft opens; None when nobody has written yet.

    The token lasts as long as its draft, or a day where none was begun. Raises DraftExpired and WithAVisit.
    """
    guest = guest_of(session, token)
    if guest is not None and lock:
        lock_guest(session, guest)
    if guest is not None and guest.conversation.visit_id is not None:
        raise WithAVisit
    over = guest.began_at + LIFETIME <= now if guest else exists_one(session, _on_pages(_closed(token)))
    if over and not exists_one(session, select(BookingDraft.id).where(BookingDraft.token == token)):
        raise DraftExpired
    return guest


def close_over(session: Session, *, now: datetime) -> None:
    """Forget the tokens that open nothing any more; the conversations stay with the office for a while.

    What is kept of a token tells that it was one, and cannot be used as one. Call it before the drafts go.
    """
    draft = select(BookingDraft.id).where(BookingDraft.token == Guest.address)
    over = draft.where(BookingDraft.expires_at <= now).exists()
    never_begun = ~draft.exists() & (Guest.began_at <= now - LIFETIME)
    query = select(Guest).where(Guest.channel == Channel.PAGE, or_(over, never_begun))
    for guest in session.scalars(query.where(~Guest.address.startswith(_OVER, autoescape=True))):
        guest.address = _closed(guest.address)


def ask(
    session: Session, token: str, body: str, *, service: str, locale: str, network: str, now: datetime
) -> ConversationMessage:
    """Add what the visitor writes; the office sees it at once.

    Raises TooManyMessages: for one visitor, and for many from one network; DraftExpired and WithAVisit.
    """
    guest = open_guest(session, token, now=now, lock=True)
    if guest is None:
        began = select(func.count(Guest.id)).where(Guest.network == network, Guest.began_at > now - _PERIOD)
        if session.execute(began).scalar_one() >= _GUESTS_AT_MOST:
            raise TooManyMessages
        found = session.scalar(select(Service).where(Service.code == service)) if service else None
        guest = Guest(
            conversation=Conversation(last_at=now),
            channel=Channel.PAGE,
            address=token,
            service=found,
            locale=locale,
            network=network,
            began_at=now,
        )
        session.add(guest)
        session.flush()
    require_room_in(guest.conversation, now=now)
    message = guest.conversation.ask(body, channel=Channel.PAGE, now=now)
    session.flush()
    return message


def become_a_customer(session: Session, token: str, visit: Visit) -> None:
    """What was asked before the booking is with its visit from now on."""
    if (guest := guest_of(session, token)) is not None:
        join(session, guest, visit, now=guest.conversation.last_at)


def _on_pages(address: str) -> Select[Guest]:
    return select(Guest).where(Guest.channel == Channel.PAGE, Guest.address == address)


def _closed(token: str) -> str:
    return _OVER + hashlib.sha256(token.encode()).hexdigest()
