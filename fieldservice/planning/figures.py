"""How good a stored plan is, counted from the rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.models import Plan, Route, Stop, Territory, Visit, VisitState


@dataclass(frozen=True)
class Figures:
    """A day's plan in numbers: promised visits, those that start inside their window, time on the road."""

    promised: int
    kept: int
    driving: timedelta


def figures(session: Session, territory_id: int, on: date) -> Figures:
    """Count what is stored. A promised visit without a stop is not kept; cancelled ones do not count."""
    territory = session.get_one(Territory, territory_id)
    first, last = territory.midnight(on), territory.midnight(on + timedelta(days=1))
    visits = session.execute(
        select(Visit.window_starts_at, Visit.window_ends_at, Stop.starts_at)
        .outerjoin(Stop, Stop.visit_id == Visit.id)
        .where(
            Visit.territory_id == territory_id,
            Visit.window_starts_at >= first,
            Visit.window_starts_at < last,
            Visit.state != VisitState.CANCELLED,
        )
    ).all()
    kept = sum(
        begins is not None and ends is not None and starts_at is not None and begins <= starts_at <= ends
        for begins, ends, starts_at in visits
    )
    return Figures(len(visits), kept, _driving(session, territory_id, on))


def _driving(session: Session, territory_id: int, on: date) -> timedelta:
    routes = select(Route.id).join(Plan).where(Plan.territory_id == territory_id, Plan.on == on)
    there = session.scalar(select(func.sum(Stop.travel)).where(Stop.route_id.in_(routes)))
    home = session.scalar(
        select(func.sum(Route.travel_home)).where(
            Route.id.in_(routes), select(Stop.id).where(Stop.route_id == Route.id).exists()
        )
    )
    return (there or timedelta(0)) + (home or timedelta(0))
