"""A technician asks to be away, or to work at other hours; the office decides."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from fieldservice.db import lock_technicians
from fieldservice.field import own_time, service
from fieldservice.models import ShiftWish, Technician, WishState

LONGEST = timedelta(days=30)
AHEAD = timedelta(days=730)
_SHOWN = timedelta(days=60)


class BadDays(Exception):
    """The days are over, too far ahead, or more than a month."""


def wishes_of(session: Session, technician: Technician, *, now: datetime) -> list[ShiftWish]:
    """The technician's own wishes that wait or were decided lately, the newest first."""
    query = select(ShiftWish).where(
        ShiftWish.technician_id == technician.id,
        or_(ShiftWish.state == WishState.ASKED, ShiftWish.asked_at > now - _SHOWN),
    )
    return list(session.scalars(query.order_by(ShiftWish.id.desc())))


def ask(session: Session, technician: Technician, said: ShiftWish, *, now: datetime) -> None:
    """Keep a wish for the office; the same again does nothing. Raises BadDays, WrongTime."""
    service.require_moment(said.asked_at, now=now)
    today = technician.territory.local_day(said.asked_at)
    if not today <= said.first_on <= said.last_on <= min(said.first_on + LONGEST, today + AHEAD):
        raise BadDays
    own_time.keep(session, technician, said)


def withdraw(session: Session, technician: Technician, wish_id: int, *, now: datetime) -> bool:
    """Take a wish back while nobody has decided; afterwards nothing changes. False for no wish of theirs."""
    lock_technicians(session, [technician.id])
    wish = session.get(ShiftWish, wish_id, populate_existing=True)
    if wish is None or wish.technician_id != technician.id:
        return False
    if wish.state == WishState.ASKED:
        wish.state, wish.decided_at = WishState.WITHDRAWN, now
    return True
