"""What somebody left before anybody knew them: found by the names that the channels have for them.

A number is written with a plus here and without on WhatsApp. Messenger has a name of its own for everybody,
known of who was given to a visit. Who asked before booking is known by the draft that they began.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, false, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from fieldservice.models import (
    BookingDraft,
    Channel,
    Conversation,
    Guest,
    InboundMessage,
    OfficeTask,
    OutboxMessage,
    Role,
    TextStop,
    Unreachable,
    WorkOrder,
)
from fieldservice.models.answers import lock_guest

KEPT = timedelta(days=30)
"""How long what strangers wrote is kept after their last word; no mailbox is read further back."""
_TASKS = ("unknown_sender", "call_back")
_LEAST_DIGITS = 7


@dataclass(frozen=True)
class Ways:
    """How to reach a person: `names` on any channel, `guests` who they were before, or beside, a visit."""

    typed: frozenset[str]
    names: frozenset[str] = field(default_factory=frozenset)
    guests: Sequence[Guest] = ()

    @property
    def strangers(self) -> list[Guest]:
        """The guests who still have no visit."""
        return [guest for guest in self.guests if guest.conversation.visit_id is None]

    def lead_to(
        self, channel: InstrumentedAttribute[str], address: InstrumentedAttribute[str]
    ) -> ColumnElement[bool]:
        """Whether a row's address on its channel is the person's."""
        theirs = [
            and_(channel == guest.channel, func.lower(address) == guest.address.lower())
            for guest in self.guests
        ]
        return or_(func.lower(address).in_(self.names), *theirs)


def ways_to(session: Session, orders: Iterable[WorkOrder]) -> Ways:
    """The ways to whoever asked for these orders."""
    orders = list(orders)
    requesters = [contact for order in orders if (contact := order.contact(Role.REQUESTER)) is not None]
    typed = frozenset(way for each in requesters for way in (each.email, each.phone) if way)
    names = frozenset(name for way in typed for name in (way.lower(), way.lower().removeprefix("+")))
    visits = [visit.id for order in orders for visit in order.visits]
    surest = {each.email for each in requesters if each.email} or typed  # a phone may be shared
    tokens = [draft.token for draft in drafts_of(session, surest)]
    known = and_(
        Conversation.visit_id.is_(None), Guest.channel != Channel.PAGE, func.lower(Guest.address).in_(names)
    )
    asked = and_(Guest.channel == Channel.PAGE, Guest.address.in_(tokens))
    given = Conversation.visit_id.in_(visits)
    query = select(Guest).join(Guest.conversation).where(or_(known, asked, given)).order_by(Guest.id)
    return Ways(typed, names, session.scalars(query).all())


def drafts_of(session: Session, typed: Iterable[str]) -> list[BookingDraft]:
    """Bookings that somebody with one of these ways began, and did not finish."""
    begun = session.scalars(select(BookingDraft).where(BookingDraft.visit_id.is_(None)))
    return [draft for draft in begun if _is_of(draft, typed)]


def _is_of(draft: BookingDraft, typed: Iterable[str]) -> bool:
    said = [str(value) for value in (draft.answers.get("contact") or {}).values()]
    return any(_same(one, other) for one in typed for other in said)


def _same(known: str, typed: str) -> bool:
    """Whether two spellings are one e-mail address or one phone number."""
    if "@" in known:
        return known.lower() == typed.strip().lower()
    digits = "".join(char for char in typed if char.isdigit()).lstrip("0")
    return len(digits) >= _LEAST_DIGITS and known.endswith(digits)


def tasks_of(session: Session, ways: Ways) -> Sequence[OfficeTask]:
    """What the office has, or had, to do for them without a visit: tasks of theirs begin with who wrote."""
    names = {*ways.names, *ways.typed}
    begins = [OfficeTask.detail.startswith(f"{name}:", autoescape=True) for name in names]
    wrote = and_(OfficeTask.kind.in_(_TASKS), OfficeTask.visit_id.is_(None), or_(false(), *begins))
    about = OfficeTask.conversation_id.in_([guest.conversation_id for guest in ways.strangers])
    return session.scalars(select(OfficeTask).where(or_(wrote, about)).order_by(OfficeTask.id)).all()


def marks_of(session: Session, ways: Ways) -> Sequence[Unreachable]:
    """Which ways to them do not work."""
    query = select(Unreachable).where(ways.lead_to(Unreachable.channel, Unreachable.address))
    return session.scalars(query.order_by(Unreachable.address)).all()


def texts_of(session: Session, ways: Ways) -> Sequence[InboundMessage]:
    """What came from their number, e-mail address or name on a channel, about whichever visit."""
    query = select(InboundMessage).where(ways.lead_to(InboundMessage.channel, InboundMessage.sender))
    return session.scalars(query.order_by(InboundMessage.id)).all()


def sent_to(session: Session, ways: Ways) -> Sequence[OutboxMessage]:
    """What went to them about no visit: answers, and codes that they asked for."""
    theirs = ways.lead_to(OutboxMessage.channel, OutboxMessage.recipient)
    query = select(OutboxMessage).where(OutboxMessage.visit_id.is_(None), theirs)
    return session.scalars(query.order_by(OutboxMessage.id)).all()


def forget(session: Session, guest: Guest) -> None:
    """Forget a guest without a visit: what was said, and what came and went for it."""
    session.execute(delete(OfficeTask).where(OfficeTask.conversation_id == guest.conversation_id))
    came = InboundMessage.channel == guest.channel, InboundMessage.sender == guest.address
    session.execute(delete(InboundMessage).where(*came, InboundMessage.visit_id.is_(None)))
    went = OutboxMessage.channel == guest.channel, OutboxMessage.recipient == guest.address
    session.execute(delete(OutboxMessage).where(*went, OutboxMessage.visit_id.is_(None)))
    session.delete(guest.conversation)


def drop_old(session: Session, *, now: datetime) -> int:
    """Forget strangers who did not come back, a month after the last word. Returns how many guests it were.

    Who still waits for an answer is kept, unless it was on a page that is closed: none can reach them there.
    That a number said STOP stays.
    """
    before = now - KEPT
    answered = or_(Conversation.waiting_since.is_(None), Guest.channel == Channel.PAGE)
    old = and_(Conversation.visit_id.is_(None), Conversation.last_at <= before, answered)
    gone = 0
    for guest in session.scalars(select(Guest).join(Guest.conversation).where(old)).all():
        conversation = lock_guest(session, guest)
        if conversation.visit_id is None and conversation.last_at <= before:
            forget(session, guest)
            gone += 1
    done = OfficeTask.kind.in_(_TASKS), OfficeTask.visit_id.is_(None), OfficeTask.done_at <= before
    session.execute(delete(OfficeTask).where(*done))
    session.flush()
    guests = select(Guest.id).where(
        Guest.channel == InboundMessage.channel, Guest.address == InboundMessage.sender
    )
    proofs = select(TextStop.inbound_message_id)
    texts = delete(InboundMessage).where(
        InboundMessage.visit_id.is_(None),
        InboundMessage.received_at <= before,
        InboundMessage.id.not_in(proofs),
        ~guests.exists(),
    )
    session.execute(texts)
    return gone


def transcript(guest: Guest) -> dict[str, Any]:
    """A guest's conversation as they download it."""
    return {
        **named(guest),
        "messages": [
            {
                "author": message.author,
                "channel": message.channel,
                "at": message.at.isoformat(),
                "body": message.body,
            }
            for message in guest.conversation.messages
        ],
    }


def named(guest: Guest) -> dict[str, Any]:
    """Under which name they wrote; a token of a page is nobody's name."""
    address = "" if guest.channel == Channel.PAGE else guest.address
    return {
        "channel": guest.channel,
        "address": address,
        "name": guest.name,
        "began_at": guest.began_at.isoformat(),
    }
