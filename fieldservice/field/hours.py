"""A technician's own hours: what the taps of a day say, with its breaks, and what was put right."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from fieldservice.field import own_time, service
from fieldservice.models import HoursCorrection, Plan, Route, Stop, StopKind, Technician, Visit
from fieldservice.models.visit import ENDED

BACK = timedelta(days=7)
_LONGEST = timedelta(hours=24)


class BadHours(Exception):
    """The day would end before it begins or in the future, or its break be longer than the work."""


@dataclass(frozen=True)
class Hours:
    """When somebody worked on a day: both ends, and the breaks between them."""

    starts_at: datetime
    ends_at: datetime
    pause: timedelta

    @property
    def worked(self) -> timedelta:
        """Without the breaks."""
        return self.ends_at - self.starts_at - self.pause


@dataclass(frozen=True)
class Sheet:
    """One day's line: what the taps say, and what counts instead of it."""

    on: date
    tapped: Hours | None
    correction: HoursCorrection | None

    @property
    def counts(self) -> Hours | None:
        """The hours of the day; None for a day without work."""
        if self.correction is None:
            return self.tapped
        return Hours(self.correction.starts_at, self.correction.ends_at, self.correction.pause)


def week(session: Session, technician: Technician, on: date, *, now: datetime) -> list[Sheet]:
    """The week of a day from its Monday on, up to today."""
    monday = on - timedelta(days=on.weekday())
    today = technician.territory.local_day(now)
    days = [monday + timedelta(days=number) for number in range(7)]
    return [sheet(session, technician, day, now=now) for day in days if day <= today]


def sheet(session: Session, technician: Technician, on: date, *, now: datetime) -> Sheet:
    """The line of one day."""
    newest = (
        select(HoursCorrection)
        .where(HoursCorrection.technician_id == technician.id, HoursCorrection.on == on)
        .order_by(HoursCorrection.said_at.desc(), HoursCorrection.id.desc())
        .limit(1)
    )
    return Sheet(on, _tapped(session, technician, on, now=now), session.scalar(newest))


def total(sheets: list[Sheet]) -> timedelta:
    """The hours of all days."""
    return sum((line.counts.worked for line in sheets if line.counts), timedelta(0))


def correct(session: Session, technician: Technician, said: HoursCorrection, *, now: datetime) -> None:
    """Keep what the hours really were; what was tapped stays. The same again does nothing.

    Raises BadHours, WrongTime.
    """
    service.require_moment(said.said_at, now=now)
    hours = Hours(said.starts_at, said.ends_at, said.pause)
    if not timedelta(0) < hours.worked <= _LONGEST or hours.ends_at > now or hours.pause < timedelta(0):
        raise BadHours
    own_time.keep(session, technician, said)


def came_twice(on: date, zone: ZoneInfo) -> bool:
    """Whether an hour comes twice on a day or in the night after it: the clocks go back."""
    first, last = (datetime.combine(on + timedelta(days=days), time(0), zone) for days in (0, 2))
    before, after = first.utcoffset(), last.utcoffset()
    return before is not None and after is not None and after < before


def _tapped(session: Session, technician: Technician, on: date, *, now: datetime) -> Hours | None:
    """From the first tap to the last; the breaks are those of the route that lie between them."""
    stops = session.scalars(
        select(Stop)
        .join(Route, Route.id == Stop.route_id)
        .join(Plan, Plan.id == Route.plan_id)
        .where(Stop.technician_id == technician.id, Plan.on == on)
        .options(selectinload(Stop.visit).selectinload(Visit.events))
    ).all()
    taps = [at for stop in stops if stop.visit is not None for at in _taps(stop.visit)]
    if not taps or min(taps) >= max(taps):
        return None
    starts_at, ends_at = min(taps), max(taps)
    breaks = [stop for stop in stops if stop.kind == StopKind.BREAK and stop.ends_at <= now]
    inside = [stop for stop in breaks if starts_at <= stop.starts_at and stop.ends_at <= ends_at]
    return Hours(starts_at, ends_at, sum((stop.ends_at - stop.starts_at for stop in inside), timedelta(0)))


def _taps(visit: Visit) -> list[datetime]:
    """The steps that count, and the moment at which it could not be done."""
    found = list(visit.moments.values())
    if found or visit.state in ENDED:
        found += [
            event.occurred_at
            for event in visit.events
            if event.to_state in ("no_show", "could_not_do") and event.actor.startswith("user:")
        ]
    return found
