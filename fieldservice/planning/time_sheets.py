"""The hours of technicians: what the taps of a day say, with its breaks, and what was put right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from fieldservice.models import HoursCorrection, Plan, Route, Stop, StopKind, Technician, Territory, Visit
from fieldservice.models.visit import ENDED

_NONE = timedelta(0)
type _Steps = dict[str, datetime]


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
    """One day's line: what the taps say, and what counts instead of it.

    `on_road` is from each "On my way" to its "Arrived", `at_visits` from there to the end of the visit: by
    the taps alone, also on a day whose hours were put right. Who helps with a visit has the taps of whoever
    leads it; of these no time counts a second time that was spent elsewhere.
    """

    on: date
    tapped: Hours | None
    correction: HoursCorrection | None
    on_road: timedelta = _NONE
    at_visits: timedelta = _NONE

    @property
    def counts(self) -> Hours | None:
        """The hours of the day; None for a day without work."""
        if self.correction is None:
            return self.tapped
        return Hours(self.correction.starts_at, self.correction.ends_at, self.correction.pause)


@dataclass(frozen=True)
class SheetWeek:
    """A technician's days from a Monday on, as far as they have come, and what they add up to."""

    technician: Technician
    sheets: Sequence[Sheet]

    @property
    def worked(self) -> timedelta:
        """What counts, without breaks."""
        return sum((line.counts.worked for line in self.sheets if line.counts), _NONE)

    @property
    def tapped(self) -> timedelta:
        """What the taps say, without breaks."""
        return sum((line.tapped.worked for line in self.sheets if line.tapped), _NONE)

    @property
    def pause(self) -> timedelta:
        """The breaks of the hours that count."""
        return sum((line.counts.pause for line in self.sheets if line.counts), _NONE)

    @property
    def on_road(self) -> timedelta:
        """On the way to visits."""
        return sum((line.on_road for line in self.sheets), _NONE)

    @property
    def at_visits(self) -> timedelta:
        """At the visits."""
        return sum((line.at_visits for line in self.sheets), _NONE)

    @property
    def corrected(self) -> list[Sheet]:
        """The days whose hours were put right."""
        return [line for line in self.sheets if line.correction]


def days_of_week(on: date) -> tuple[date, ...]:
    """The days of the week of a day, from its Monday on."""
    monday = on - timedelta(days=on.weekday())
    return tuple(monday + timedelta(days=number) for number in range(7))


def week(session: Session, technician: Technician, on: date, *, now: datetime) -> SheetWeek:
    """The week of a day, up to today."""
    [found] = weeks(session, [technician], on, now=now)
    return found


def weeks(session: Session, technicians: Sequence[Technician], on: date, *, now: datetime) -> list[SheetWeek]:
    """The same for technicians of one territory, read with a few queries."""
    if not technicians:
        return []
    today = technicians[0].territory.local_day(now)
    days = [day for day in days_of_week(on) if day <= today]
    found = _sheets(session, [one.id for one in technicians], days, now=now)
    return [SheetWeek(one, [found[one.id, day] for day in days]) for one in technicians]


def sheet(session: Session, technician: Technician, on: date, *, now: datetime) -> Sheet:
    """The line of one day."""
    return _sheets(session, [technician.id], [on], now=now)[technician.id, on]


def who_worked(session: Session, territory: Territory, on: date) -> Sequence[Technician]:
    """Who works in a territory, and who does not any more and had work or hours in the week of a day."""
    days = days_of_week(on)
    planned = (
        select(Stop.technician_id)
        .join(Route, Route.id == Stop.route_id)
        .join(Plan, Plan.id == Route.plan_id)
        .where(Plan.territory_id == territory.id, Plan.on.in_(days))
    )
    said = select(HoursCorrection.technician_id).where(HoursCorrection.on.in_(days))
    there = or_(Technician.active, Technician.id.in_(planned), Technician.id.in_(said))
    query = select(Technician).where(Technician.territory_id == territory.id, there)
    return session.scalars(query.order_by(Technician.name, Technician.id)).all()


def _sheets(
    session: Session, technicians: Sequence[int], days: Sequence[date], *, now: datetime
) -> dict[tuple[int, date], Sheet]:
    stops, corrections = _stops(session, technicians, days), _corrections(session, technicians, days)
    keys = [(technician, on) for technician in technicians for on in days]
    return {key: _sheet(key[1], stops.get(key, ()), corrections.get(key), now) for key in keys}


def _stops(
    session: Session, technicians: Sequence[int], days: Sequence[date]
) -> Mapping[tuple[int, date], list[Stop]]:
    rows = session.execute(
        select(Plan.on, Stop)
        .join(Route, Route.plan_id == Plan.id)
        .join(Stop, Stop.route_id == Route.id)
        .where(Stop.technician_id.in_(technicians), Plan.on.in_(days))
        .order_by(Stop.starts_at, Stop.id)
        .options(
            selectinload(Stop.visit).selectinload(Visit.events),
            selectinload(Stop.crew_visit).selectinload(Visit.events),
        )
    )
    found = defaultdict(list)
    for on, stop in rows:
        found[stop.technician_id, on].append(stop)
    return found


def _corrections(
    session: Session, technicians: Sequence[int], days: Sequence[date]
) -> dict[tuple[int, date], HoursCorrection]:
    """The newest of each day."""
    query = select(HoursCorrection).where(
        HoursCorrection.technician_id.in_(technicians), HoursCorrection.on.in_(days)
    )
    rows = session.scalars(query.order_by(HoursCorrection.said_at, HoursCorrection.id))
    return {(row.technician_id, row.on): row for row in rows}


def _sheet(on: date, stops: Sequence[Stop], correction: HoursCorrection | None, now: datetime) -> Sheet:
    led = [_steps(stop.visit) for stop in stops if stop.visit is not None]
    helped = [_steps(stop.crew_visit) for stop in stops if stop.crew_visit is not None]
    taps = [at for steps in (*led, *helped) for at in steps.values()]
    return Sheet(on, _tapped(stops, taps, now), correction, *_spent(led, helped))


def _spent(led: Sequence[_Steps], helped: Sequence[_Steps]) -> list[timedelta]:
    """On the road and at visits; of what was helped with only the time that is not spent already."""
    spent, taken = [_NONE, _NONE], list[tuple[datetime, datetime]]()
    for steps, helps in (*((one, False) for one in led), *((one, True) for one in helped)):
        for part, (first, last) in enumerate((("on_my_way", "arrived"), ("arrived", "over"))):
            if first in steps and last in steps:
                begins, ends = steps[first], steps[last]
                busy = [_overlap(begins, ends, *one) for one in taken] if helps else []
                spent[part] += max(ends - begins - sum(busy, _NONE), _NONE)
                taken.append((begins, ends))
    return spent


def _overlap(begins: datetime, ends: datetime, other_begins: datetime, other_ends: datetime) -> timedelta:
    return max(min(ends, other_ends) - max(begins, other_begins), _NONE)


def _tapped(stops: Sequence[Stop], taps: Sequence[datetime], now: datetime) -> Hours | None:
    """From the first tap to the last; the breaks are those of the route that lie between them."""
    if not taps or min(taps) >= max(taps):
        return None
    starts_at, ends_at = min(taps), max(taps)
    breaks = [stop for stop in stops if stop.kind == StopKind.BREAK and stop.ends_at <= now]
    inside = [stop for stop in breaks if starts_at <= stop.starts_at and stop.ends_at <= ends_at]
    return Hours(starts_at, ends_at, sum((stop.ends_at - stop.starts_at for stop in inside), _NONE))


def _steps(visit: Visit) -> _Steps:
    """The steps that count, with `arrived` where it was passed over, and `over`: done, or it could not be."""
    found = dict(visit.moments)
    if "arrived" not in found and "working" in found:
        found["arrived"] = found["working"]
    if "done" in found:
        found["over"] = found["done"]
    if found or visit.state in ENDED:
        for event in visit.events:
            if event.to_state in ("no_show", "could_not_do") and event.actor.startswith("user:"):
                found["over"] = event.occurred_at
    return found
