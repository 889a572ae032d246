"""Days beside today on the phone: read-only, and the own ones alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.models import Plan, Route, Stop, StopKind, Technician, WorkingDay

BACK = timedelta(days=7)
AHEAD = timedelta(days=14)
WEEK = 7


class NoSuchDay(Exception):
    """The phone shows a week back and two weeks ahead."""


@dataclass(frozen=True)
class DayLine:
    """One day of the week: hours, visits, and whether the office may still change it."""

    on: date
    working: WorkingDay | None
    visits: int
    starts_at: datetime | None
    dispatched: bool


def require_shown(technician: Technician, on: date, *, now: datetime) -> None:
    """Raise NoSuchDay for a day that the phone does not show."""
    today = technician.territory.local_day(now)
    if not today - BACK <= on <= today + AHEAD:
        raise NoSuchDay


def week(session: Session, technician: Technician, *, now: datetime) -> list[DayLine]:
    """The own next seven days, from today on."""
    territory = technician.territory
    today = territory.local_day(now)
    days = [today + timedelta(days=number) for number in range(WEEK)]
    plans = {
        plan.on: plan
        for plan in session.scalars(select(Plan).where(Plan.territory_id == territory.id, Plan.on.in_(days)))
    }
    starts: dict[date, list[datetime]] = {}
    rows = session.execute(
        select(Plan.on, Stop.starts_at)
        .join(Route, Route.plan_id == Plan.id)
        .join(Stop, Stop.route_id == Route.id)
        .where(
            Stop.technician_id == technician.id,
            Stop.kind.in_((StopKind.VISIT, StopKind.CREW)),
            Plan.on.in_(days),
        )
        .order_by(Stop.starts_at)
    )
    for on, starts_at in rows:
        starts.setdefault(on, []).append(starts_at)
    return [
        DayLine(
            on,
            technician.working_day(on, territory.zone),
            len(starts.get(on, ())),
            next(iter(starts.get(on, ())), None),
            dispatched=on in plans and plans[on].dispatched_at is not None,
        )
        for on in days
    ]


def is_dispatched(session: Session, technician: Technician, on: date) -> bool:
    """Whether the office has sent out the plan of a day."""
    sent = select(Plan.dispatched_at).where(Plan.territory_id == technician.territory_id, Plan.on == on)
    return session.scalar(sent) is not None
