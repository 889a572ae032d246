"""Visits that two or three technicians make together: they begin at one time, and stay together."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from fieldservice.models import Plan, Route, Stop, Visit, VisitState
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.facts import what_happened
from fieldservice.planning.rows import DayRows


def crews_begin(rows: DayRows) -> dict[int, datetime]:
    """When each crew of a day is to begin: when who leads it will be there, else as planned."""
    found: dict[int, datetime] = {}
    for entry in rows.technicians:
        for stop in entry.stops:
            if stop.work is not None and stop.work.crew > 1:
                found.setdefault(stop.work.id, _begins(stop, stop.work, rows.now))
    return found


def _begins(stop: Stop, visit: Visit, now: datetime) -> datetime:
    if visit.state == VisitState.EN_ROUTE and visit.stop is not None:
        return what_happened(visit.stop, now)[1]
    return stop.starts_at


def away(rows: DayRows) -> set[int]:
    """The visits of crews that cannot be made as planned: one of them is away, off duty or not skilled."""
    found = set()
    for entry in rows.technicians:
        levels = entry.technician.skill_levels(rows.on)
        for stop in entry.stops:
            visit = stop.work
            if visit is None or visit.crew == 1 or visit.state not in PLANNABLE:
                continue
            able = all(levels.get(code, 0) >= level for code, level in visit.required_skills().items())
            gone = entry.technician.is_away(stop.starts_at, stop.ends_at) or entry.working_day is None
            if gone or not able:
                found.add(visit.id)
    return found


def drop_stops(session: Session, visits: Iterable[int]) -> None:
    """Take visits off all routes that they are on."""
    numbers = list(visits)
    session.execute(delete(Stop).where(or_(Stop.visit_id.in_(numbers), Stop.crew_visit_id.in_(numbers))))


def places_of(session: Session, visit: Visit) -> list[tuple[date, int]]:
    """The day and the technician of each stop of a visit, that of whoever leads it first."""
    found = session.execute(
        select(Plan.on, Stop.technician_id)
        .join(Route, Route.plan_id == Plan.id)
        .join(Stop, Stop.route_id == Route.id)
        .where(or_(Stop.visit_id == visit.id, Stop.crew_visit_id == visit.id))
        .order_by(Stop.visit_id.is_(None), Stop.technician_id)
    )
    return [(on, technician) for on, technician in found]
