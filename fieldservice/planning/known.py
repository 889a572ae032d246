"""What technicians know of a day's routes: as these were sent out, until they say that they saw a change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from fieldservice.models import Plan, Route, RouteSeen, Stop, Technician, Visit


def known(visits: Iterable[Visit]) -> list[list[Any]]:
    """The visits of a route as `RouteSeen` has them."""
    return [
        [visit.id, visit.window_starts_at.isoformat() if visit.window_starts_at else ""] for visit in visits
    ]


def made(technician_id: int | None = None) -> Select[int, Visit]:
    """Who makes which visits, leading them or helping with them, in the order of the day."""
    query = (
        select(Stop.technician_id, Visit)
        .join(Visit, Visit.id == func.coalesce(Stop.visit_id, Stop.crew_visit_id))
        .join(Route, Route.id == Stop.route_id)
        .join(Plan, Plan.id == Route.plan_id)
        .order_by(Stop.starts_at, Stop.id)
    )
    return query if technician_id is None else query.where(Stop.technician_id == technician_id)


def send_out(session: Session, plan: Plan, *, now: datetime) -> None:
    """From now on every technician knows their route of the day, unless they know an earlier one."""
    there = select(RouteSeen.technician_id).where(RouteSeen.on == plan.on)
    crew = select(Technician.id).where(
        Technician.territory_id == plan.territory_id, Technician.active, Technician.id.not_in(there)
    )
    routes: dict[int, list[Visit]] = {}
    for technician_id, visit in session.execute(made().where(Plan.id == plan.id)):
        routes.setdefault(technician_id, []).append(visit)
    session.add_all(
        RouteSeen(technician_id=one, on=plan.on, visits=known(routes.get(one, ())), seen_at=now)
        for one in session.scalars(crew)
    )
