"""What technicians ask for: the office approves it, and the plan knows, or refuses it with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from fieldservice.dispatch import absences
from fieldservice.models import (
    AuditEntry,
    Plan,
    ShiftOverride,
    ShiftWish,
    Technician,
    WishKind,
    WishState,
)
from fieldservice.planning.service import lock_territory


class AlreadyDecided(Exception):
    """Somebody was quicker, or the technician withdrew it."""


def waiting(session: Session) -> Sequence[ShiftWish]:
    """Wishes that nobody has decided, the oldest first."""
    query = select(ShiftWish).where(ShiftWish.state == WishState.ASKED).order_by(ShiftWish.id).limit(100)
    return session.scalars(query.options(joinedload(ShiftWish.technician))).all()


def decide(
    session: Session, wish: ShiftWish, *, approve: bool, answer: str, user_id: int, now: datetime, actor: str
) -> None:
    """Approve a wish, which changes the technician's days, or refuse it.

    Raises AlreadyDecided, and BadTime for days that are over.
    """
    technician = wish.technician
    lock_territory(session, technician.territory)
    session.refresh(wish, with_for_update={"of": ShiftWish})
    if wish.state != WishState.ASKED:
        raise AlreadyDecided
    if approve and wish.kind == WishKind.AWAY:
        _be_away(session, technician, wish, now=now, actor=actor)
    elif approve:
        _work_otherwise(session, technician, wish, now=now)
    wish.state = WishState.APPROVED if approve else WishState.REFUSED
    wish.answer, wish.decided_at, wish.decided_by_id = answer, now, user_id
    session.add(
        AuditEntry(
            at=now,
            actor=actor,
            action=f"wish_{wish.state}",
            subject_kind="technician",
            subject_id=technician.id,
            detail={"wish_id": wish.id},
        )
    )


def _be_away(session: Session, technician: Technician, wish: ShiftWish, *, now: datetime, actor: str) -> None:
    territory = technician.territory
    starts_at = territory.midnight(wish.first_on)
    ends_at = territory.midnight(wish.last_on + timedelta(days=1))
    if wish.starts and wish.ends:
        starts_at = datetime.combine(wish.first_on, wish.starts, territory.zone)
        ends_at = datetime.combine(wish.first_on, wish.ends, territory.zone)
    absences.approve(session, technician, max(starts_at, now), ends_at, now=now, actor=actor)


def _work_otherwise(session: Session, technician: Technician, wish: ShiftWish, *, now: datetime) -> None:
    days = [
        wish.first_on + timedelta(days=number) for number in range((wish.last_on - wish.first_on).days + 1)
    ]
    if wish.last_on < technician.territory.local_day(now) or wish.starts is None or wish.ends is None:
        raise absences.BadTime
    for on in days:
        override = technician.override(on)
        if override is None:
            override = ShiftOverride(on=on)
            technician.shift_overrides.append(override)
        override.day_off, override.starts, override.ends = False, wish.starts, wish.ends
    for plan in session.scalars(
        select(Plan).where(Plan.territory_id == technician.territory_id, Plan.on.in_(days))
    ):
        plan.version += 1
