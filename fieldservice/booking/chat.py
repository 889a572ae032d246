"""What a visitor of the booking pages asks before there is a visit; when one is booked, it is the visit's."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.booking.conversation import TooManyMessages
from fieldservice.booking.conversation import require_room as require_room_in
from fieldservice.models import Channel, Conversation, ConversationMessage, Guest, Service, Visit
from fieldservice.models.answers import join

_GUESTS_AT_MOST = 10
_PERIOD = timedelta(hours=1)


def guest_of(session: Session, token: str) -> Guest | None:
    """Who writes from the pages of a draft, if somebody does."""
    same = select(Guest).where(Guest.channel == Channel.PAGE, Guest.address == token)
    return session.scalar(same)


def ask(
    session: Session, token: str, body: str, *, service: str, locale: str, network: str, now: datetime
) -> ConversationMessage:
    """Add what the visitor writes; the office sees it at once.

    Raises TooManyMessages: for one visitor, and for many from one network.
    """
    guest = guest_of(session, token)
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
    else:
        session.refresh(guest, with_for_update={"of": Guest})
    require_room_in(guest.conversation, now=now)
    message = guest.conversation.ask(body, channel=Channel.PAGE, now=now)
    session.flush()
    return message


def become_a_customer(session: Session, token: str, visit: Visit) -> None:
    """What was asked before the booking is with its visit from now on."""
    if (guest := guest_of(session, token)) is not None:
        join(session, guest, visit, now=guest.conversation.last_at)
