"""Days that are asked for windows; those to come are kept in the process while nothing of them has changed.

Reading and building a day of 50 technicians takes a tenth of a second, asking it a thousandth. A day is kept
with the version of its plan and of the workforce, and until the first of its reservations runs out. It serves
offers alone: whoever books looks at the rows themselves.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

import scheduler
from fieldservice.db import KeptRows, kept_rows
from fieldservice.geo.around import landmarks_of
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import Coordinates
from fieldservice.models import Plan, Territory, WorkingDay
from fieldservice.planning.names import name_of, visit_number, whole
from fieldservice.planning.problem import Day, build
from fieldservice.planning.rows import DayRows, load_days
from fieldservice.planning.travel import departure, table_of
from fieldservice.planning.workforce import technicians_of
from scheduler.insertion import Place
from scheduler.slots import Slots, Window

type Version = tuple[int, int]
type Wanted = Callable[[date, Sequence[WorkingDay]], bool]


@dataclass(frozen=True)
class Found:
    """Where a visit fits, and whether the drives to and from it are guessed."""

    place: Place
    estimated: bool


@dataclass(frozen=True)
class AskedDay:
    """A day that can be asked where a visit fits, from any place."""

    day: Day
    working: tuple[WorkingDay, ...]
    version: Version
    until: datetime
    slots: Slots
    lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def landmarks(self) -> list[int]:
        """Rows of the table that tell how short ways can be: where technicians end their day."""
        homes = (shift.end_location for shift in self.day.problem.shifts)
        return landmarks_of(self.day.table, (home for home in homes if home is not None))

    @property
    def somewhere(self) -> int:
        """The location of a place that the day does not have."""
        return len(self.day.table.points)

    def at(self, place: Coordinates, tables: TravelTables) -> Day:
        """The day with a place that it may lack."""
        if self.day.table.covers([place]):
            return self.day
        table = tables.travel.extend(self.day.table, [place], at=departure(self.day.rows))
        problem = replace(self.day.problem, travel_s=table.seconds, distance_m=table.metres)
        return replace(self.day, table=table, problem=problem)

    def cheapest(
        self, wish: scheduler.Visit, windows: Sequence[Window], at: Coordinates, tables: TravelTables
    ) -> list[Found | None]:
        """For each window the cheapest place of a visit `somewhere`.

        Asked with drives as short as they can be, and again with the true ones of the places that were
        cheapest, until those are the same: no other place can be cheaper then.
        """
        around = tables.around(at, at=departure(self.day.rows))
        ways = around.at_least(self.day.table, self.landmarks)
        while True:
            with self.lock:  # the slots reckon in one piece of memory
                found = self.slots.cheapest(wish, windows, there_s=ways.there_s, onward_s=ways.onward_s)
                beside = [self.slots.beside(place) if place is not None else () for place in found]
            if not ways.learn({row for rows in beside for row in rows}):
                return [
                    Found(place, ways.estimated(rows)) if place is not None else None
                    for place, rows in zip(found, beside, strict=True)
                ]

    def without(self, names: Sequence[str]) -> AskedDay | None:
        """The day without a visit or a reservation that somebody would give up; None for more than one."""
        here = [name for name in self.day.problem.visit_by_id if whole(name) in names]
        if not here:
            return self
        crews = {visit_number(name) for name in self.day.problem.visit_by_id if name[0] == "c"}
        if len(here) > 1 or visit_number(here[0]) in crews or here[0] not in names:
            return None
        slots = Slots(self.day.problem, self.day.plan, without=here[0])
        return replace(self, slots=slots, lock=threading.Lock())


def asked_days(
    session: Session,
    territory: Territory,
    days: Sequence[date],
    *,
    now: datetime,
    tables: TravelTables,
    wanted: Wanted,
    without: Iterable[str] = (),
) -> dict[date, AskedDay]:
    """These days, read where they are not kept, but for those that are not `wanted` with who works then.

    `without` names what somebody would give up.
    """
    names = list(without)
    found: dict[date, AskedDay] = {}
    kept, versions = kept_rows(session), _versions(session, territory, days)
    stored = _stored(kept, territory)
    for on in days:
        day = stored.get(on)
        if day is not None and day.version == versions[on] and now < day.until:
            lean = day.without(names)
            if lean is not None:
                found[on] = lean
    missing = [on for on in days if on not in found and wanted(on, _working(session, territory, on))]
    fresh = load_days(session, territory, missing, now=now) if missing else []
    for rows in fresh:
        stops = [stop for entry in rows.technicians for stop in entry.stops]
        theirs = {whole(name_of(stop) or "") for stop in stops}
        given_up = [name for name in names if name in theirs]
        found[rows.on] = _asked(rows, tables, versions[rows.on], given_up)
        if not given_up:
            stored = _keep(kept, stored, territory, found[rows.on], now)
    return found


def _asked(rows: DayRows, tables: TravelTables, version: Version, without: Sequence[str]) -> AskedDay:
    day = build(rows, table_of(tables, rows), without=without)
    working = tuple(entry.working_day for entry in rows.technicians if entry.working_day is not None)
    holds = [
        stop.hold.expires_at for entry in rows.technicians for stop in entry.stops if stop.hold is not None
    ]
    begins = rows.territory.midnight(rows.on)
    # without the rows: they are many, and nobody asks them
    lean = replace(day, rows=replace(rows, technicians=(), unassigned=(), plan=None), visits={}, done={})
    slots = Slots(day.problem, day.plan)
    return AskedDay(lean, working, version, min([begins, *holds]), slots)


def _working(session: Session, territory: Territory, on: date) -> list[WorkingDay]:
    shifts = (each.working_day(on, territory.zone) for each in technicians_of(session, territory.id))
    return [shift for shift in shifts if shift is not None]


def _versions(session: Session, territory: Territory, days: Sequence[date]) -> Mapping[date, Version]:
    """By day what has to be the same for a kept day to be what is stored; a day without a plan is at 0."""
    workforce = session.scalars(
        select(Territory.workforce_version).where(Territory.id == territory.id)
    ).one_or_none()
    plans = session.execute(
        select(Plan.on, Plan.version).where(Plan.territory_id == territory.id, Plan.on.in_(days))
    )
    versions = {on: version for on, version in plans}
    return {on: (versions.get(on, 0), workforce or 0) for on in days}


def _stored(kept: KeptRows, territory: Territory) -> Mapping[date, AskedDay]:
    """What is kept for a territory; nothing for a session whose view may be rolled back."""
    found = kept.rows.get(("days", territory.id)) if kept.committed else None
    return found if isinstance(found, dict) else {}


def _keep(
    kept: KeptRows, stored: Mapping[date, AskedDay], territory: Territory, day: AskedDay, now: datetime
) -> Mapping[date, AskedDay]:
    """The kept days and this one, unless it has begun; days of the past are dropped."""
    if not kept.committed or day.until <= now:
        return stored
    yesterday = now - timedelta(days=1)
    together = {on: each for on, each in stored.items() if each.until > yesterday}
    together[day.day.rows.on] = day
    kept.rows["days", territory.id] = together
    return together
