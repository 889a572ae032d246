"""The board of a day as values: rows, bars, cards and figures, timed as of now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.dispatch.absences import current_absence
from fieldservice.dispatch.scale import Scale, scale_of
from fieldservice.models import (
    Absence,
    AbsenceKind,
    OfficeTask,
    PlanChange,
    StopKind,
    Technician,
    Territory,
    Visit,
    VisitState,
    Window,
    WorkingDay,
)
from fieldservice.planning.agenda import Entry, agenda
from fieldservice.planning.judge import Candidate, best_fits
from fieldservice.planning.problem import Day
from fieldservice.planning.rows import unplanned_visits
from fieldservice.planning.undo import redoable_change, undoable_change

AT_RISK = timedelta(minutes=5)  # a full plan uses its windows to the end; more would cry wolf all day


class Look(StrEnum):
    """How a bar looks; always told by colour, icon and line together. The value is its style class."""

    DONE = "done"
    WORKING = "on-site"
    DRIVING = "en-route"
    SCHEDULED = "scheduled"
    AT_RISK = "risk"
    LATE = "late"
    FAILED = "failed"
    BREAK = "break"
    HOLD = "hold"
    LOST = "lost"


@dataclass(frozen=True)
class Bar:
    """Something that takes a technician's time."""

    look: Look
    starts_at: datetime
    ends_at: datetime
    visit: Visit | None = None
    window: Window | None = None
    number: int = 0
    pinned: bool = False
    movable: bool = False
    travel: timedelta = timedelta(0)
    leads: bool = True  # not of a crew that somebody else leads
    others: tuple[str, ...] = ()  # who makes it as well

    @property
    def spare(self) -> timedelta | None:
        """From the start to the end of the promised window; negative when it is late, None without one."""
        return self.window.ends_at - self.starts_at if self.window else None


@dataclass(frozen=True)
class Drive:
    """Time on the road between two stops."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Gone:
    """Time in which a technician is away."""

    kind: str
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Row:
    """One technician's day; `absence` is one that was reported from the board and can be ended."""

    technician: Technician
    working_day: WorkingDay | None
    bars: tuple[Bar, ...]
    drives: tuple[Drive, ...]
    home_at: datetime | None
    overtime: timedelta
    gone: tuple[Gone, ...] = ()
    absence: Absence | None = None

    @property
    def driving(self) -> timedelta:
        """Time on the road, the way home included."""
        return sum((drive.ends_at - drive.starts_at for drive in self.drives), timedelta(0))

    @property
    def instants(self) -> list[datetime]:
        """Every instant that the timeline has to reach."""
        found = [self.working_day.starts_at, self.working_day.ends_at] if self.working_day else []
        found += [instant for bar in self.bars for instant in (bar.starts_at, bar.ends_at)]
        return found + [instant for drive in self.drives for instant in (drive.starts_at, drive.ends_at)]


@dataclass(frozen=True)
class Card:
    """A visit without a stop, with the best place found for it and what the office has to do first."""

    visit: Visit
    fit: Candidate | None
    task: OfficeTask | None


@dataclass(frozen=True)
class Board:
    """All that the board of one day shows."""

    day: Day
    rows: tuple[Row, ...]
    cards: tuple[Card, ...]
    last_change: PlanChange | None
    undone_change: PlanChange | None

    @property
    def territory(self) -> Territory:
        """Whose day it is."""
        return self.day.rows.territory

    @property
    def on(self) -> date:
        """The day."""
        return self.day.rows.on

    @property
    def now(self) -> datetime:
        """When the board was looked at."""
        return self.day.rows.now

    @property
    def version(self) -> int:
        """The version of the plan; 0 while there is none."""
        return self.day.rows.plan.version if self.day.rows.plan else 0

    @cached_property
    def scale(self) -> Scale:
        """What the timeline shows of the day."""
        instants = [instant for row in self.rows for instant in row.instants]
        return scale_of(self.on, self.territory.zone, instants)

    @cached_property
    def bars(self) -> list[Bar]:
        """The bars of visits, row by row; what a crew makes is that of whoever leads it."""
        return [bar for row in self.rows for bar in row.bars if bar.visit is not None and bar.leads]

    @property
    def off_sick(self) -> list[Row]:
        """Those who are sick on this day and not back yet."""
        return [row for row in self.rows if row.absence and row.absence.kind == AbsenceKind.SICK]

    @property
    def waiting(self) -> list[Card]:
        """Visits that the office has to do something about before they can be placed."""
        return [card for card in self.cards if card.task is not None]

    @property
    def undispatched(self) -> int:
        """How many planned visits their technicians have not been sent."""
        return sum(bar.visit.state == VisitState.BOOKED for bar in self.bars if bar.visit)

    @property
    def dispatched(self) -> int:
        """How many visits were sent and have not begun."""
        return sum(bar.visit.state == VisitState.DISPATCHED for bar in self.bars if bar.visit)

    @property
    def working(self) -> int:
        """How many technicians have a shift and are not sick."""
        return sum(row.working_day is not None and row not in self.off_sick for row in self.rows)

    @property
    def on_time(self) -> int | None:
        """Percentage of promised visits that start inside their window; None without any."""
        promised = [bar for bar in self.bars if bar.window is not None]
        kept = sum(bar.spare is not None and bar.spare >= timedelta(0) for bar in promised)
        return round(100 * kept / len(promised)) if promised else None

    @property
    def driving(self) -> timedelta:
        """All time on the road."""
        return sum((row.driving for row in self.rows), timedelta(0))

    @property
    def overtime(self) -> timedelta:
        """All time after the ends of shifts."""
        return sum((row.overtime for row in self.rows), timedelta(0))

    @property
    def estimated(self) -> bool:
        """Whether a drive of the day is an estimate because no road was asked."""
        return any(entry.route.travel_estimated for entry in self.day.rows.technicians if entry.route)


def board_of(session: Session, day: Day) -> Board:
    """The board of a day; nothing is stored."""
    return Board(
        day=day,
        rows=rows_of(day),
        cards=tuple(_cards(session, day)),
        last_change=undoable_change(session, day.rows),
        undone_change=redoable_change(session, day.rows),
    )


def rows_of(day: Day) -> tuple[Row, ...]:
    """The technicians of a day, those with something to do or a shift first."""
    rows = [_row(day, number) for number in range(len(day.rows.technicians))]
    return tuple(sorted(rows, key=lambda row: not row.bars and row.working_day is None))


def bar_of(day: Day, visit: Visit) -> tuple[Technician, Bar] | None:
    """The bar of one visit and whose it is; None while it has no stop on this day."""
    for number, entry in enumerate(day.rows.technicians):
        if any(stop.visit_id == visit.id for stop in entry.stops):
            found = (bar for bar in _row(day, number).bars if bar.visit and bar.visit.id == visit.id)
            return entry.technician, next(found)
    return None


def _row(day: Day, number: int) -> Row:
    entry = day.rows.technicians[number]
    plan = agenda(day, entry.technician.id)
    drives = [Drive(stop.arrives_at - stop.travel, stop.arrives_at) for stop in plan.entries if stop.travel]
    if plan.home_at and plan.travel_home:
        drives.append(Drive(plan.home_at - plan.travel_home, plan.home_at))
    working = entry.working_day
    territory = day.rows.territory
    gone = _gone(entry.technician, territory, day.rows.on)
    late = timedelta(0)
    if working and plan.home_at and plan.home_at > working.ends_at and not gone:
        late = plan.home_at - working.ends_at
    bars = tuple(_bar(stop, gone, entry.technician) for stop in plan.entries)
    absence = current_absence(entry.technician, territory, day.rows.on, now=day.rows.now)
    return Row(entry.technician, working, bars, tuple(drives), plan.home_at, late, gone, absence)


def _gone(technician: Technician, territory: Territory, on: date) -> tuple[Gone, ...]:
    """The absences of a day as far as they reach into it."""
    first, last = territory.midnight(on), territory.midnight(on + timedelta(days=1))
    return tuple(
        Gone(absence.kind, max(absence.starts_at, first), min(absence.ends_at, last))
        for absence in technician.absences
        if absence.starts_at < last and absence.ends_at > first
    )


_LOOKS = {
    VisitState.EN_ROUTE: Look.DRIVING,
    VisitState.ON_SITE: Look.WORKING,
    VisitState.DONE: Look.DONE,
    VisitState.NO_SHOW: Look.FAILED,
    VisitState.COULD_NOT_DO: Look.FAILED,
    VisitState.CANCELLED: Look.FAILED,
}


def _bar(entry: Entry, gone: Sequence[Gone], technician: Technician) -> Bar:
    visit = entry.visit
    if visit is None:
        look = Look.HOLD if entry.kind == StopKind.HOLD else Look.BREAK
        return Bar(look, entry.starts_at, entry.ends_at)
    window = visit.window
    look = _LOOKS.get(VisitState(visit.state), Look.SCHEDULED)
    if not entry.fact and window is not None and entry.starts_at > window.ends_at - AT_RISK:
        look = Look.LATE if entry.starts_at > window.ends_at else Look.AT_RISK
    if not entry.fact and any(
        away.starts_at < entry.ends_at and entry.starts_at < away.ends_at for away in gone
    ):
        look = Look.LOST
    return Bar(
        look,
        entry.starts_at,
        entry.ends_at,
        visit,
        window,
        entry.number,
        pinned=visit.pin is not None and not entry.fact,
        movable=not entry.fact,
        travel=entry.travel,
        leads=entry.leads,
        others=tuple(one.name for one in visit.made_by if one.id != technician.id) if visit.crew > 1 else (),
    )


def _cards(session: Session, day: Day) -> list[Card]:
    unassigned = list(day.rows.unassigned)
    visits = [*unassigned, *unplanned_visits(session, day.rows.territory)]
    fits = best_fits(day, unassigned)
    found = select(OfficeTask).where(
        OfficeTask.done_at.is_(None), OfficeTask.visit_id.in_([visit.id for visit in visits])
    )
    tasks = {task.visit_id: task for task in session.scalars(found)} if visits else {}
    return [Card(visit, fits.get(visit.id), tasks.get(visit.id)) for visit in visits]
