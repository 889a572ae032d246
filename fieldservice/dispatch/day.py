"""The board of a day as values: rows, bars, cards and figures, timed as of now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.geo.tables import TravelTables
from fieldservice.models import (
    Job,
    JobState,
    OfficeTask,
    PlanChange,
    Proposal,
    StopKind,
    Technician,
    Territory,
    Visit,
    VisitState,
    Window,
    WorkingDay,
)
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning.agenda import Entry, agenda
from fieldservice.planning.improve import PROPOSE
from fieldservice.planning.judge import Candidate, best_fit
from fieldservice.planning.problem import Day, build, row_id
from fieldservice.planning.rows import DayRows, load_day
from fieldservice.planning.service import table_of

AT_RISK = timedelta(minutes=15)


class Look(StrEnum):
    """How a bar looks; always told by colour, icon and line together."""

    DONE = "done"
    WORKING = "working"
    DRIVING = "driving"
    SCHEDULED = "scheduled"
    AT_RISK = "risk"
    LATE = "late"
    FAILED = "failed"
    BREAK = "break"
    HOLD = "hold"


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


@dataclass(frozen=True)
class Drive:
    """Time on the road between two stops."""

    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Row:
    """One technician's day."""

    technician: Technician
    working_day: WorkingDay | None
    bars: tuple[Bar, ...]
    drives: tuple[Drive, ...]
    home_at: datetime | None
    overtime: timedelta

    @property
    def driving(self) -> timedelta:
        """Time on the road, the way home included."""
        return sum((drive.ends_at - drive.starts_at for drive in self.drives), timedelta(0))


@dataclass(frozen=True)
class Card:
    """A visit without a stop, with the best place found for it."""

    visit: Visit
    fit: Candidate | None
    task: OfficeTask | None


@dataclass(frozen=True)
class Board:
    """All that the board of one day shows."""

    territory: Territory
    on: date
    now: datetime
    version: int
    dispatched_at: datetime | None
    rows: tuple[Row, ...]
    cards: tuple[Card, ...]
    proposal: Proposal | None
    job: Job | None
    last_change: PlanChange | None
    estimated: bool

    @property
    def bars(self) -> list[Bar]:
        """The bars of visits, row by row."""
        return [bar for row in self.rows for bar in row.bars if bar.visit is not None]

    @property
    def at_risk(self) -> list[Bar]:
        """Visits that start late or within a quarter of an hour of the end of their window."""
        return [bar for bar in self.bars if bar.look in (Look.AT_RISK, Look.LATE)]

    @property
    def working(self) -> int:
        """How many technicians have a shift."""
        return sum(row.working_day is not None for row in self.rows)

    @property
    def on_time(self) -> int | None:
        """Percentage of promised visits that start inside their window; None without any."""
        promised = [bar for bar in self.bars if bar.window is not None]
        kept = sum(bar.starts_at <= bar.window.ends_at for bar in promised if bar.window)
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
    def hours(self) -> tuple[int, int]:
        """First and last local hour of the timeline."""
        zone = self.territory.zone
        times = [row.working_day.starts_at for row in self.rows if row.working_day]
        times += [drive.starts_at for row in self.rows for drive in row.drives]
        ends = [row.working_day.ends_at for row in self.rows if row.working_day]
        ends += [bar.ends_at for row in self.rows for bar in row.bars]
        ends += [row.home_at for row in self.rows if row.home_at]
        midnight = self.territory.midnight(self.on).astimezone(UTC)
        first = min((t.astimezone(zone).hour for t in times if t >= midnight), default=8)
        last = max((_hours_until(midnight, end) for end in ends), default=17)
        return first, min(max(last, first + 4), 24)


def board_of(
    session: Session, territory: Territory, on: date, *, tables: TravelTables, now: datetime
) -> Board:
    """The board of a day; nothing is stored."""
    rows = load_day(session, territory, on, now=now)
    day = build(rows, table_of(tables, rows))
    plan = rows.plan
    return Board(
        territory=territory,
        on=on,
        now=now,
        version=plan.version if plan else 0,
        dispatched_at=plan.dispatched_at if plan else None,
        rows=tuple(_row(day, number) for number in range(len(rows.technicians))),
        cards=tuple(_cards(session, day)),
        proposal=_open_proposal(session, rows),
        job=_running_job(session, rows),
        last_change=_last_change(session, rows),
        estimated=any(entry.route.travel_estimated for entry in rows.technicians if entry.route),
    )


def _row(day: Day, number: int) -> Row:
    entry = day.rows.technicians[number]
    plan = agenda(day, entry.technician.id)
    drives = [Drive(stop.arrives_at - stop.travel, stop.arrives_at) for stop in plan.entries if stop.travel]
    if plan.home_at and plan.travel_home:
        drives.append(Drive(plan.home_at - plan.travel_home, plan.home_at))
    working = entry.working_day
    late = timedelta(0)
    if working and plan.home_at and plan.home_at > working.ends_at:
        late = plan.home_at - working.ends_at
    bars = tuple(_bar(stop) for stop in plan.entries)
    return Row(entry.technician, working, bars, tuple(drives), plan.home_at, late)


_LOOKS = {
    VisitState.EN_ROUTE: Look.DRIVING,
    VisitState.ON_SITE: Look.WORKING,
    VisitState.DONE: Look.DONE,
    VisitState.NO_SHOW: Look.FAILED,
    VisitState.COULD_NOT_DO: Look.FAILED,
}


def _bar(entry: Entry) -> Bar:
    visit = entry.visit
    if visit is None:
        look = Look.HOLD if entry.kind == StopKind.HOLD else Look.BREAK
        return Bar(look, entry.starts_at, entry.ends_at)
    window = visit.window
    look = _LOOKS.get(VisitState(visit.state), Look.SCHEDULED)
    if not entry.fact and window is not None and entry.starts_at > window.ends_at - AT_RISK:
        look = Look.LATE if entry.starts_at > window.ends_at else Look.AT_RISK
    pinned = visit.pin is not None and not entry.fact
    return Bar(look, entry.starts_at, entry.ends_at, visit, window, entry.number, pinned)


def _cards(session: Session, day: Day) -> list[Card]:
    visits = list(day.rows.unassigned)
    placed = {row_id(left.visit) for left in day.plan.unassigned if left.visit.startswith("v")}
    homeless = session.scalars(
        select(Visit).where(
            Visit.territory_id == day.rows.territory.id,
            Visit.state.in_(PLANNABLE),
            Visit.window_starts_at.is_(None),
            Visit.wanted_on.is_(None),
        )
    ).all()
    tasks = {
        task.visit_id: task
        for task in session.scalars(select(OfficeTask).where(OfficeTask.done_at.is_(None))).all()
    }
    return [
        Card(visit, best_fit(day, visit) if visit.id in placed else None, tasks.get(visit.id))
        for visit in [*visits, *homeless]
    ]


def _open_proposal(session: Session, rows: DayRows) -> Proposal | None:
    if rows.plan is None:
        return None
    return session.scalar(
        select(Proposal)
        .where(Proposal.plan_id == rows.plan.id, Proposal.state == "open")
        .order_by(Proposal.id.desc())
        .limit(1)
    )


def _running_job(session: Session, rows: DayRows) -> Job | None:
    if rows.plan is None:
        return None
    return session.scalar(
        select(Job)
        .where(
            Job.kind == PROPOSE,
            Job.dedupe_key.startswith(f"{PROPOSE}:{rows.plan.id}:"),
            Job.state.in_([JobState.QUEUED, JobState.RUNNING]),
        )
        .limit(1)
    )


def _last_change(session: Session, rows: DayRows) -> PlanChange | None:
    """The newest change that can be undone."""
    if rows.plan is None:
        return None
    return session.scalar(
        select(PlanChange)
        .where(
            PlanChange.plan_id == rows.plan.id,
            PlanChange.undone_by_id.is_(None),
            PlanChange.kind != "undo",
        )
        .order_by(PlanChange.id.desc())
        .limit(1)
    )


def _hours_until(midnight: datetime, end: datetime) -> int:
    """Whole hours from midnight to an instant, rounded up."""
    return -(-int((end - midnight).total_seconds()) // 3600)
