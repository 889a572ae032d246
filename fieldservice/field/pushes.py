"""Tells a technician's phone that the office has changed the route, while nobody looks at its page."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.field import service
from fieldservice.field.news import News, news
from fieldservice.geo.tables import TravelTables
from fieldservice.models import Plan, PushDevice, Route, RouteSeen, Stop, Technician, Visit
from fieldservice.models.push import tell_devices
from fieldservice.planning.known import known

KIND = "route"


def with_phones(session: Session) -> list[int]:
    """The technicians who asked for notifications."""
    query = select(Technician.id).join(PushDevice, PushDevice.user_id == Technician.user_id)
    return list(session.scalars(query.where(Technician.active).distinct().order_by(Technician.id)))


def tell_changed(session: Session, technician_id: int, *, tables: TravelTables, now: datetime) -> int:
    """Write that today's route is not what the technician knows, once for each state of it.

    Nothing after "Got it", and nothing before the day was sent out.
    """
    technician = session.get_one(Technician, technician_id)
    on = technician.territory.local_day(now)
    row = session.get(RouteSeen, (technician.id, on))
    if row is None or technician.user_id is None:
        return 0
    visits = session.scalars(
        select(Visit)
        .join(Stop, Stop.visit_id == Visit.id)
        .join(Route, Route.id == Stop.route_id)
        .join(Plan, Plan.id == Route.plan_id)
        .where(Stop.technician_id == technician.id, Plan.on == on)
        .order_by(Stop.starts_at)
    )
    if known(visits) == row.visits:
        return 0
    found = news(session, service.phone_day(session, technician, on, tables=tables, now=now))
    if not found:
        return 0
    occasion = f"{on}:{_mark(found)}"
    return tell_devices(session, technician.user_id, KIND, occasion=occasion, now=now)


def _mark(found: list[News]) -> str:
    """The same for the same changes."""
    said = [
        (one.kind.value, [(visit.id, str(visit.window_starts_at)) for visit in one.visits]) for one in found
    ]
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]
