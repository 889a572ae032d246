"""The load of a territory's week: for each technician and day the work and the driving beside the shift."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from fieldservice.models import Plan, Route, Stop, StopKind, Technician, Territory, Visit
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.workforce import technicians_of

DAYS = 7
_FULL, _BUSY = 95, 75


@dataclass(frozen=True)
class Load:
    """One technician's day: how many visits, time at work and on the road, and how long the shift is."""

    visits: int
    taken: timedelta
    shift: timedelta | None

    @property
    def share(self) -> int | None:
        """Percentage of the shift that is taken; None without a shift."""
        return round(100 * (self.taken / self.shift)) if self.shift else None

    @property
    def tone(self) -> str:
        """How full the day is, as a style class: free, busy, full, or off without a shift."""
        if self.share is None:
            return "off"
        return "full" if self.share >= _FULL else "busy" if self.share >= _BUSY else "free"


@dataclass(frozen=True)
class Week:
    """Seven days from a Monday on; `loads` by technician, `unassigned` by day."""

    days: tuple[date, ...]
    loads: tuple[tuple[Technician, tuple[Load, ...]], ...]
    unassigned: tuple[int, ...]

    def visits(self, number: int) -> int:
        """How many visits are planned on the day with this number."""
        return sum(loads[number].visits for _, loads in self.loads)


def week_of(session: Session, territory: Territory, on: date) -> Week:
    """The week in which a day lies; four queries, and nothing of the visits themselves is read."""
    monday = on - timedelta(days=on.weekday())
    days = tuple(monday + timedelta(days=number) for number in range(DAYS))
    taken = _taken(session, territory, days)
    return Week(
        days=days,
        loads=tuple(
            (technician, tuple(_load(technician, territory, on, taken) for on in days))
            for technician in technicians_of(session, territory.id)
        ),
        unassigned=_unassigned(session, territory, days),
    )


type _Taken = Mapping[tuple[int, date], tuple[int, timedelta]]


def _load(technician: Technician, territory: Territory, on: date, taken: _Taken) -> Load:
    working = technician.working_day(on, territory.zone)
    visits, length = taken.get((technician.id, on), (0, timedelta(0)))
    return Load(visits, length, working.ends_at - working.starts_at if working else None)


def _taken(session: Session, territory: Territory, days: Sequence[date]) -> _Taken:
    """Technician and day -> visits, and all the time that stops, drives and breaks take."""
    found = session.execute(
        select(Route.technician_id, Plan.on, Stop.kind, Stop.starts_at, Stop.ends_at, Stop.travel)
        .join(Route, Route.id == Stop.route_id)
        .join(Plan, Plan.id == Route.plan_id)
        .where(Plan.territory_id == territory.id, Plan.on.in_(days))
    )
    visits: dict[tuple[int, date], int] = defaultdict(int)
    length: dict[tuple[int, date], timedelta] = defaultdict(timedelta)
    for technician_id, on, kind, starts_at, ends_at, travel in found:
        visits[technician_id, on] += kind in (StopKind.VISIT, StopKind.CREW)
        length[technician_id, on] += ends_at - starts_at + travel
    home = session.execute(
        select(Route.technician_id, Plan.on, Route.travel_home)
        .join(Plan, Plan.id == Route.plan_id)
        .where(Plan.territory_id == territory.id, Plan.on.in_(days))
    )
    for technician_id, on, travel_home in home:
        length[technician_id, on] += travel_home
    return {key: (visits[key], length[key]) for key in length}


def _unassigned(session: Session, territory: Territory, days: Sequence[date]) -> tuple[int, ...]:
    """How many visits wait for a place on each day."""
    first, last = territory.midnight(days[0]), territory.midnight(days[-1] + timedelta(days=1))
    waiting = session.execute(
        select(Visit.window_starts_at, Visit.wanted_on, func.count())
        .where(
            Visit.territory_id == territory.id,
            Visit.state.in_(PLANNABLE),
            or_(
                and_(Visit.window_starts_at >= first, Visit.window_starts_at < last),
                and_(Visit.window_starts_at.is_(None), Visit.wanted_on.in_(days)),
            ),
            ~select(Stop.id).where(Stop.visit_id == Visit.id).exists(),
        )
        .group_by(Visit.window_starts_at, Visit.wanted_on)
    )
    counts: dict[date | None, int] = defaultdict(int)
    for window_starts_at, wanted_on, number in waiting:
        counts[territory.local_day(window_starts_at) if window_starts_at else wanted_on] += number
    return tuple(counts[on] for on in days)
