"""When abuse is seen, and what it costs: the one place that says so. Knows no web.

Everything is counted in the database, which all processes of both set-ups share.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from sqlalchemy import ColumnElement, String, cast, delete, distinct, func, or_, select
from sqlalchemy.orm import Session

from fieldservice.config import Settings
from fieldservice.models import AbuseSign, BookingDraft, ContactRole, Hold, Role, WorkOrder

PERIOD = timedelta(hours=1)
"""What is longer ago does not count: who shares an address with an abuser is let through again."""
ADDRESS_PERIOD = timedelta(days=1)
TRAP = "trap"
"""A field was filled in that no person sees."""
_KEPT = timedelta(days=1)
_STEPS = (1, 3, 10)
_TRAPS = 1


class Level(IntEnum):
    """What a visitor has to do before a window is reserved or a visit booked; each covers the ones before."""

    NOTHING = 0
    PUZZLE = 1
    CODE = 2
    REFUSED = 3


class TooManyHolds(Exception):
    """As many windows as one network may have are reserved for it."""


@dataclass(frozen=True)
class Bounds:
    """What one network or address may do before it has to do something for more.

    Three times as much asks for a code, ten times as much is refused.
    """

    drafts: int
    bookings: int
    address_bookings: int
    holds: int

    @classmethod
    def of(cls, settings: Settings) -> Bounds:
        """The bounds of the settings."""
        return cls(
            drafts=settings.guard_drafts,
            bookings=settings.guard_bookings,
            address_bookings=settings.guard_address_bookings,
            holds=settings.guard_holds,
        )


def level_of_network(session: Session, network: str, bounds: Bounds, *, now: datetime) -> Level:
    """What a network has come to within the last hour."""
    since = now - PERIOD
    begun = BookingDraft.network == network, BookingDraft.created_at > since
    drafts = _count(session, BookingDraft.id, *begun)
    bookings = _count(session, BookingDraft.id, *begun, BookingDraft.visit_id.is_not(None))
    traps = _count(session, AbuseSign.id, AbuseSign.network == network, AbuseSign.at > since)
    return max(
        _level(drafts, bounds.drafts), _level(bookings, bounds.bookings), _level(traps, _TRAPS - 1, _TRAPS)
    )


def level_of_address(session: Session, ways: Collection[str], bounds: Bounds, *, now: datetime) -> Level:
    """What was booked with an e-mail address or phone within the last day; all asked for at once is one."""
    booking = func.coalesce(func.nullif(WorkOrder.request_key, ""), cast(WorkOrder.id, String))
    reached = or_(ContactRole.email.in_(ways), ContactRole.phone.in_(ways))
    query = (
        select(func.count(distinct(booking)))
        .join(ContactRole, ContactRole.work_order_id == WorkOrder.id)
        .where(ContactRole.role == Role.REQUESTER, reached, WorkOrder.created_at > now - ADDRESS_PERIOD)
    )
    return _level(session.execute(query).scalar_one(), bounds.address_bookings)


def note(session: Session, network: str, kind: str, *, now: datetime) -> None:
    """Remember a sign of abuse."""
    session.add(AbuseSign(network=network, kind=kind, at=now))
    session.flush()


def require_room_for_hold(
    session: Session, own: Collection[int], network: str, bounds: Bounds, *, now: datetime
) -> None:
    """Raise TooManyHolds when other drafts of the network have as many windows as it may have.

    `own` are the ids of the drafts that carry what the customer has: who picks again gives it back.
    """
    query = (
        select(func.count(Hold.id))
        .join(BookingDraft, BookingDraft.id == Hold.draft_id)
        .where(BookingDraft.network == network, BookingDraft.id.not_in(own), Hold.expires_at > now)
    )
    if session.execute(query).scalar_one() >= bounds.holds:
        raise TooManyHolds


def drop_old(session: Session, *, now: datetime) -> None:
    """Forget the signs of yesterday."""
    session.execute(delete(AbuseSign).where(AbuseSign.at <= now - _KEPT))


def _level(count: int, free: int, step: int = 0) -> Level:
    """The level of a count of which so many are free; `step` is the size of a step when it is another one."""
    size = step or free
    reached = [level for level, times in enumerate(_STEPS, start=1) if count > free + size * (times - 1)]
    return Level(max(reached, default=0))


def _count(session: Session, column: ColumnElement[int] | object, *where: ColumnElement[bool]) -> int:
    query = select(func.count(column)).where(*where)  # type: ignore[arg-type]
    return session.execute(query).scalar_one()
