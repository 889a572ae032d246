"""What a dispatcher does with a day: place, move, send out, locate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.geo.address import Address, Match
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import (
    AuditEntry,
    Job,
    JobState,
    OfficeTask,
    Plan,
    PlanChange,
    Proposal,
    Route,
    Site,
    Stop,
    Territory,
    Visit,
    VisitState,
    Window,
)
from fieldservice.models.visit import PLANNABLE
from fieldservice.planning import asking
from fieldservice.planning.changes import NotPlannable, move_visit
from fieldservice.planning.improve import PROPOSE
from fieldservice.planning.judge import Move
from fieldservice.planning.known import send_out
from fieldservice.planning.rows import plan_of, visit_place
from fieldservice.planning.service import lock_territory, territory_at

_HALF_HOUR = timedelta(minutes=30)
_FAILURE_SHOWN = timedelta(minutes=10)


class OutsideArea(Exception):
    """No territory serves the place."""


def place_visit(
    session: Session,
    visit: Visit,
    move: Move,
    *,
    plan_version: int,
    confirmed: bool,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> PlanChange:
    """Put a visit where a dispatcher wants it; a visit without a promise gets one and its customer is told.

    Raises what `planning.changes.move_visit` raises.
    """
    change = move_visit(
        session,
        visit,
        move,
        plan_version=plan_version,
        confirmed=confirmed,
        tables=tables,
        now=now,
        actor=actor,
    )
    asking.withdraw(session, visit, now=now)  # it has a place, and nothing is asked any more
    if visit.state == VisitState.REQUESTED:
        stop = session.scalars(select(Stop).where(Stop.visit_id == visit.id)).one()
        visit.promise(first_window(visit, stop.starts_at), now=now, actor=actor)
    return change


def start_of(change: PlanChange) -> datetime:
    """When the visit of a move begins."""
    return datetime.fromisoformat(change.summary["starts_at"])


def first_window(visit: Visit, starts_at: datetime) -> Window:
    """The window that is promised when a dispatcher places a request: from the half hour before its start."""
    midnight = visit.territory.midnight(visit.territory.local_day(starts_at))
    begins = starts_at - (starts_at - midnight) % _HALF_HOUR
    return Window(begins, begins + visit.service.window_length)


def dispatch_day(session: Session, territory: Territory, on: date, *, now: datetime, actor: str) -> int:
    """Send the plan of a day to its technicians; returns how many visits were sent."""
    lock_territory(session, territory)
    plan = plan_of(session, territory, on)
    if plan is None:
        return 0
    visits = _planned(session, plan, VisitState.BOOKED)
    for visit in visits:
        visit.advance(VisitState.DISPATCHED, occurred_at=now, now=now, actor=actor)
    plan.dispatched_at, plan.version = now, plan.version + 1
    send_out(session, plan, now=now)
    session.add(AuditEntry(at=now, actor=actor, action="dispatch", subject_kind="plan", subject_id=plan.id))
    return len(visits)


def recall_day(session: Session, territory: Territory, on: date, *, now: datetime, actor: str) -> int:
    """Take back what was sent and has not begun; returns how many visits that were."""
    lock_territory(session, territory)
    plan = plan_of(session, territory, on)
    if plan is None:
        return 0
    visits = _planned(session, plan, VisitState.DISPATCHED)
    for visit in visits:
        visit.recall(now=now, actor=actor)
    plan.dispatched_at, plan.version = None, plan.version + 1
    session.add(AuditEntry(at=now, actor=actor, action="recall", subject_kind="plan", subject_id=plan.id))
    return len(visits)


def _planned(session: Session, plan: Plan, state: VisitState) -> Sequence[Visit]:
    query = select(Visit).join(Stop, Stop.visit_id == Visit.id).join(Route, Route.id == Stop.route_id)
    return session.scalars(query.where(Route.plan_id == plan.id, Visit.state == state)).all()


def locate_site(
    session: Session,
    visit: Visit,
    at: Coordinates,
    *,
    on: date | None,
    now: datetime,
    user_id: int,
    actor: str,
) -> None:
    """Set the pin of a site that nobody could find, and close the task. A person's pin is never overwritten.

    The visit then waits unassigned on the day `on`. Raises OutsideArea, NotPlannable for a visit that began.
    """
    lock_territory(session, visit.territory)
    session.refresh(visit)
    if visit.state not in PLANNABLE or visit.stop is not None:
        raise NotPlannable
    territory = territory_at(session, at)
    if territory is None:
        raise OutsideArea
    lock_territory(session, territory)  # whose board is about to change
    site = visit.site
    site.lat, site.lon, site.territory_id = at.lat, at.lon, territory.id
    site.pin_set_by_person, site.geocoded_by, site.geocode_match = True, "person", "pin"
    site.geocoded_at = now
    visit.territory_id = territory.id
    visit.wanted_on = visit.wanted_on or on
    for task in session.scalars(select(OfficeTask).where(OfficeTask.visit_id == visit.id)):
        task.done_at, task.done_by_id = now, user_id
    visit.record("located", occurred_at=now, now=now, actor=actor)
    _touch(session, visit)


@dataclass(frozen=True)
class DayState:
    """What tells two looks of a board apart, found without reading the day."""

    version: int = 0
    proposals: tuple[tuple[int, int], ...] = ()  # number and decisions of those that are open
    job: Job | None = None

    @property
    def proposal_id(self) -> int | None:
        """The newest of the plans that wait."""
        return self.proposals[-1][0] if self.proposals else None

    @property
    def compared(self) -> bool:
        """Whether plans of one search wait to be compared."""
        return len(self.proposals) > 1

    @property
    def searching(self) -> Job | None:
        """The search that is under way or about to begin."""
        return self.job if self.job and self.job.state in (JobState.QUEUED, JobState.RUNNING) else None

    def failed(self, now: datetime) -> Job | None:
        """The search that ended a moment ago without a result."""
        job = self.job
        if job is None or job.finished_at is None or self.proposal_id is not None:
            return None
        return job if now - job.finished_at < _FAILURE_SHOWN else None

    @property
    def tag(self) -> str:
        """A short text that changes with the state."""
        job = self.job
        search = f"{job.id}-{job.state}-{job.progress.get('elapsed_s', 0)}" if job else ""
        waiting = ".".join(f"{number}d{decisions}" for number, decisions in self.proposals)
        return f"{self.version}-{waiting}-{search}"


def state_of_day(session: Session, territory_id: int, on: date) -> DayState:
    """The state of a day's board; three small queries."""
    plan = session.execute(
        select(Plan.id, Plan.version).where(Plan.territory_id == territory_id, Plan.on == on)
    ).one_or_none()
    if plan is None:
        return DayState()
    proposals = session.execute(
        select(Proposal.id, Proposal.decisions)
        .where(Proposal.plan_id == plan.id, Proposal.state == "open")
        .order_by(Proposal.id)
    ).all()
    job = session.scalar(
        select(Job)
        .where(
            Job.state.in_([JobState.QUEUED, JobState.RUNNING, JobState.FAILED]),
            Job.dedupe_key.startswith(f"{PROPOSE}:{plan.id}:", autoescape=True),
        )
        .order_by(Job.id.desc())
        .limit(1)
    )
    return DayState(plan.version, tuple((number, decisions) for number, decisions in proposals), job)


def _touch(session: Session, visit: Visit) -> None:
    plan = session.scalar(
        select(Plan).where(Plan.territory_id == visit.territory_id, Plan.on == visit.wanted_on)
    )
    if plan is not None:
        plan.version += 1


def can_be_placed(visit: Visit) -> bool:
    """Whether the visit has not begun and its site is on the map."""
    return visit.state in PLANNABLE and visit_place(visit) is not None


def wanted_day(visit: Visit, *, now: datetime) -> date:
    """The day on which an unassigned visit waits."""
    if visit.window_starts_at is not None:
        return visit.territory.local_day(visit.window_starts_at)
    return visit.wanted_on or visit.territory.local_day(now)


def address_of(site: Site, at: Coordinates) -> Address:
    """A site that a person has found, as the geocoder knows addresses."""
    return Address(
        street=site.address,
        number="",
        city=site.city,
        postcode=site.postcode,
        country=site.country,
        coordinates=at,
        match=Match.PIN,
        score=100,
        provider="person",
        label=site.written,
    )
