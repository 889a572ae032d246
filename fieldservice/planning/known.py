"""What technicians know of a day's routes: as these were sent out, until they say that they saw a change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.models import Plan, Route, RouteSeen, Stop, Technician, Visit


def known(visits: Iterable[Visit]) -> list[list[Any]]:
    """The visits of a route as `RouteSeen` has them."""
    return [
        [visit.id, visit.window_starts_at.isoformat() if visit.window_starts_at else ""] for visit in visits
    ]


def send_out(session: Session, plan: Plan, *, now: datetime) -> None:
    """From now on every technician knows their route of the day, unless they know an earlier one."""
    there = select(RouteSeen.technician_id).where(RouteSeen.on == plan.on)
    crew = select(Technician.id).where(
        Technician.territory_id == plan.territory_id, Technician.active, Technician.id.not_in(there)
    )
    routes: dict[int, list[Visit]] = {}
    rows = session.execute(
        select(Route.technician_id, Visit)
        .join(Stop, Stop.route_id == Route.id)
        .join(Visit, Visit.id == Stop.visit_id)
        .where(Route.plan_id == plan.id)
        .order_by(Stop.starts_at)
    )
    for technician_id, visit in rows:
        routes.setdefault(technician_id, []).append(visit)
    session.add_all(
        RouteSeen(technician_id=one, on=plan.on, visits=known(routes.get(one, ())), seen_at=now)
        for one in session.scalars(crew)
    )
