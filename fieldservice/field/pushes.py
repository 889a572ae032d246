"""Tells a technician's phone that the office has changed the route, while nobody looks at its page."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.field.news import NewsKind, changes
from fieldservice.models import Plan, PushDevice, RouteSeen, Technician, Visit
from fieldservice.models.push import is_untold, tell_devices
from fieldservice.planning.known import known, made

KIND = "route"


def with_phones(session: Session) -> list[int]:
    """The technicians who asked for notifications."""
    query = select(Technician.id).join(PushDevice, PushDevice.user_id == Technician.user_id)
    return list(session.scalars(query.where(Technician.active).distinct().order_by(Technician.id)))


def is_due(session: Session, technician_id: int, *, now: datetime) -> bool:
    """Whether a phone has not been told of today's route as it is now. Changes nothing."""
    occasion = _occasion(session, session.get_one(Technician, technician_id), now)
    return occasion is not None and is_untold(session, occasion[0], KIND, occasion=occasion[1])


def tell_changed(session: Session, technician_id: int, *, now: datetime) -> int:
    """Write that today's route is not what the technician knows, once for each state of it.

    Nothing after "Got it", and nothing before the day was sent out.
    """
    occasion = _occasion(session, session.get_one(Technician, technician_id), now)
    return tell_devices(session, occasion[0], KIND, occasion=occasion[1], now=now) if occasion else 0


def _occasion(session: Session, technician: Technician, now: datetime) -> tuple[int, str] | None:
    """Whose phones are to be told, and the same text for the same changes since the last "Got it"."""
    on = technician.territory.local_day(now)
    row = session.get(RouteSeen, (technician.id, on))
    if row is None or technician.user_id is None:
        return None
    visits = [visit for _, visit in session.execute(made(technician.id).where(Plan.on == on))]
    if known(visits) == row.visits:
        return None
    found = list(changes(session, row.visits, visits))
    return (technician.user_id, f"{on}:{_mark(row.seen_at, found)}") if found else None


def _mark(seen_at: datetime, found: Sequence[tuple[NewsKind, list[Visit]]]) -> str:
    said = [
        (kind.value, [(visit.id, str(visit.window_starts_at)) for visit in visits]) for kind, visits in found
    ]
    return hashlib.sha256(repr((seen_at.isoformat(), said)).encode()).hexdigest()[:16]
