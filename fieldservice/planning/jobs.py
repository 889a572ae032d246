"""Background searches: rows with a lease, taken over when their worker dies, applied at most once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

import scheduler
from fieldservice.db import Database, skip_locked
from fieldservice.geo.tables import TravelTables
from fieldservice.models import Job, JobState, Plan, Territory, Window
from fieldservice.planning.adoption import Adoption, Limits, adopt
from fieldservice.planning.choices import choices_of
from fieldservice.planning.figures import Figures, figures
from fieldservice.planning.goals import Aim, Goal, Scope, aimed, goals_of
from fieldservice.planning.improve import (
    AHEAD,
    IMPROVE,
    PROPOSE,
    Found,
    request_improvement,
    search,
    snapshot,
    tomorrow,
)
from fieldservice.planning.problem import Day
from fieldservice.planning.proposals import store_proposal
from fieldservice.planning.rooms import ROOMS, find_rooms
from fieldservice.planning.rows import load_day, plan_of
from fieldservice.planning.running import SEARCH_S, causes_of, mend, mending
from fieldservice.planning.travel import table_of, with_travel

MAX_ATTEMPTS = 3
_GRACE = timedelta(seconds=60)
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class Work:
    """What a search is given: the database, travel tables, its budget, and the clock it may ask.

    What begins within `freeze` of now it does not move.
    """

    db: Database
    tables: TravelTables
    seconds: float
    clock: Callable[[], datetime]
    freeze: timedelta = timedelta(0)


class Cancelled(Exception):
    """Somebody no longer wants the result of this job."""


@dataclass(frozen=True)
class Improvement:
    """What a search and its adoption did to a stored plan."""

    before: Figures
    after: Figures
    adoption: Adoption
    seconds: float

    def sentence(self) -> str:
        """The figures for a terminal."""
        hours = (self.before.driving.total_seconds() / 3600, self.after.driving.total_seconds() / 3600)
        return (
            f"promises kept {self.after.kept} of {self.after.promised},"
            f" driving {hours[0]:.1f} h before and {hours[1]:.1f} h after, {self.seconds:.1f} s"
        )


def improve_day(work: Work, territory_id: int, on: date, *, actor: str) -> Improvement:
    """Search for a better plan of a day and adopt what still holds; the figures are of the stored rows."""
    began = time.monotonic()
    with work.db.reading() as session:
        before = figures(session, territory_id, on)
    found = _search(work, territory_id, on, lambda: False, lambda plan: None)
    adoption = _adopt(work, found, actor=actor)
    with work.db.reading() as session:
        after = figures(session, territory_id, on)
    return Improvement(before, after, adoption, time.monotonic() - began)


def run_next_job(work: Work, *, owner: str) -> bool:
    """Claim one job and do it; False when none is waiting. A failure is stored on the job, never lost."""
    claimed = work.db.run(lambda session: _claim(session, work, owner))
    if claimed is None:
        return False
    job_id, kind, plan_id = claimed
    try:
        _do(work, job_id, kind, plan_id, owner=owner)
    except Cancelled:
        return True
    except Exception as error:
        text = f"{type(error).__name__}: {error}"
        work.db.run(lambda session: _fail(session, job_id, owner, text, now=work.clock()))
        raise
    return True


def request_improvements(session: Session, *, now: datetime) -> int:
    """Queue a search for tomorrow's plan of each territory that changed since the last; returns how many."""
    asked = 0
    for territory in session.scalars(select(Territory).where(Territory.active)).all():
        on = tomorrow(territory, now)
        plan = plan_of(session, territory, on)
        if plan is not None and plan.dispatched_at is None:
            asked += request_improvement(session, plan, now=now) is not None
    return asked


def cancel_job(session: Session, job: Job, *, now: datetime) -> None:
    """Stop a search; a result that comes later is thrown away."""
    session.refresh(job, with_for_update=True)
    if job.state in (JobState.QUEUED, JobState.RUNNING):
        job.state, job.finished_at = JobState.CANCELLED, now


def use_best(session: Session, job: Job) -> bool:
    """End the search for the present goal and propose the best plan so far; False when none runs."""
    session.refresh(job, with_for_update=True)
    if job.state != JobState.RUNNING or not job.progress:
        return False
    enough = {*job.payload.get("enough", ()), job.progress.get("goal", Goal.BALANCED)}
    job.payload = {**job.payload, "enough": sorted(enough)}
    return True


def _claim(session: Session, work: Work, owner: str) -> tuple[int, str, int] | None:
    now = work.clock()
    lapsed = (Job.state == JobState.RUNNING) & (Job.lease_until < now)
    wanted = select(Job).where(
        Job.kind.in_([PROPOSE, AHEAD, IMPROVE, ROOMS]), or_(Job.state == JobState.QUEUED, lapsed)
    )
    # somebody waits for the others
    asked_first = wanted.order_by(Job.kind == IMPROVE, Job.kind == AHEAD, Job.id)
    job = session.scalar(skip_locked(session, asked_first.limit(1)))
    if job is None:
        return None
    if job.attempts >= MAX_ATTEMPTS:
        job.state, job.finished_at, job.error = JobState.FAILED, now, "its worker died every time"
        return None
    job.state, job.lease_owner, job.attempts = JobState.RUNNING, owner, job.attempts + 1
    job.lease_until = now + timedelta(seconds=work.seconds * len(goals_of(job.payload))) + _GRACE
    return job.id, job.kind, int(job.payload["plan_id"])


def _do(work: Work, job_id: int, kind: str, plan_id: int, *, owner: str) -> None:
    if kind == ROOMS:
        _answer(work, job_id, owner)
        return
    with work.db.reading() as session:
        plan = session.get_one(Plan, plan_id)
        territory_id, on = plan.territory_id, plan.on
        payload = session.get_one(Job, job_id).payload
    watch = _Watch(work, job_id, owner)
    if kind == IMPROVE:
        found = _search(work, territory_id, on, watch.cancelled, watch.progress)
        work.db.run(lambda session: _own(session, job_id, owner))
        adoption = _adopt(work, found, actor="system")
        result = {"adopted": sorted(adoption.adopted), "left_out": sorted(adoption.left_out)}
        work.db.run(lambda session: _finish(_own(session, job_id, owner), result, now=work.clock()))
        return
    asked = _Asked(work, territory_id, on, bool(causes_of(payload)), Scope.from_json(payload.get("scope")))
    results = []
    for goal in goals_of(payload):
        watch.begin(goal, asked.seconds)
        results.append((asked.find(goal, watch), watch.took()))
    choices: Mapping[int, Sequence[Window]] = {}
    if asked.mends:
        with work.db.reading() as session:
            choices = choices_of(session, results[0][0], tables=work.tables, now=work.clock())
    work.db.run(lambda session: _propose(session, job_id, owner, results, choices, work.clock()))


class _Watch:
    """Once a second: tells others how far a search is, and the search whether somebody still wants it."""

    def __init__(self, work: Work, job_id: int, owner: str) -> None:
        self.work, self.job_id, self.owner = work, job_id, owner
        self.began = self.looked = self.reported = time.monotonic()
        self.goal, self.seconds = Goal.BALANCED, work.seconds

    def begin(self, goal: Goal, seconds: float) -> None:
        """The search for a goal begins."""
        self.goal, self.seconds, self.began = goal, seconds, time.monotonic()

    def took(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    def cancelled(self) -> bool:
        """Whether somebody has stopped the search or has enough of it, or another worker has it."""
        if time.monotonic() - self.looked < _LOOK_EVERY_S:
            return False
        self.looked = time.monotonic()
        with self.work.db.reading() as session:
            job = session.get_one(Job, self.job_id)
            return not _mine(job, self.owner) or self.goal in job.payload.get("enough", ())

    def progress(self, best: scheduler.Plan) -> None:
        """A better plan was found."""
        if time.monotonic() - self.reported < _LOOK_EVERY_S:
            return
        self.reported = time.monotonic()
        told = {"elapsed_s": round(self.took(), 1), "of_s": self.seconds, "goal": self.goal, **_figures(best)}
        self.work.db.run(lambda session: _report(session, self.job_id, self.owner, told))


@dataclass(frozen=True)
class _Asked:
    """What a dispatcher wants of a day."""

    work: Work
    territory_id: int
    on: date
    mends: bool
    scope: Scope

    @property
    def seconds(self) -> float:
        """For one search: customers wait for a plan that mends, and one route is small."""
        brief = self.mends or self.scope.technician_id is not None
        return min(self.work.seconds, SEARCH_S) if brief else self.work.seconds

    def find(self, goal: Goal, watch: _Watch) -> Found:
        """Search for one goal, until somebody stops it."""
        late_first = goal == Goal.ON_TIME and self.scope.whole
        if self.mends or late_first:
            aim = mending if self.mends else lambda problem: aimed(problem, goal)
            found = mend(
                self._day,
                seconds=self.seconds,
                should_stop=watch.cancelled,
                progress=watch.progress,
                aim=aim,
            )
            return replace(found, aim=Aim(goal))
        return search(
            self._day(()),
            seconds=self.seconds,
            should_stop=watch.cancelled,
            progress=watch.progress,
            aim=Aim(goal, self.scope),
        )

    def _day(self, rescue: Iterable[str]) -> Day:
        return _look(self.work, self.territory_id, self.on, rescue)


def _answer(work: Work, job_id: int, owner: str) -> None:
    now = work.clock()
    with work.db.reading() as session:
        result = find_rooms(session, session.get_one(Job, job_id), tables=work.tables, now=now)
    work.db.run(lambda session: _finish(_own(session, job_id, owner), result, now=work.clock()))


def _propose(
    session: Session,
    job_id: int,
    owner: str,
    results: Sequence[tuple[Found, float]],
    choices: Mapping[int, Sequence[Window]],
    now: datetime,
) -> None:
    job = _own(session, job_id, owner)
    ids = [
        store_proposal(session, found, job=job, seconds=took, choices=choices, now=now).id
        for found, took in results
    ]
    _finish(job, {"proposal_ids": ids}, now=now)


def _search(
    work: Work,
    territory_id: int,
    on: date,
    should_stop: Callable[[], bool],
    progress: Callable[[scheduler.Plan], None],
) -> Found:
    day = _look(work, territory_id, on)
    return search(day, seconds=work.seconds, should_stop=should_stop, progress=progress)


def _look(work: Work, territory_id: int, on: date, rescue: Iterable[str] = ()) -> Day:
    now = work.clock()
    with work.db.reading() as session:
        territory = session.get_one(Territory, territory_id)
        table = table_of(work.tables, load_day(session, territory, on, now=now))
        return snapshot(session, territory, on, table=table, now=now, rescue=rescue, freeze=work.freeze)


def _adopt(work: Work, found: Found, *, actor: str) -> Adoption:
    rows = found.day.rows
    now = work.clock()
    return with_travel(
        work.db,
        work.tables,
        rows.territory.id,
        [rows.on],
        [],
        now=now,
        work=lambda tables: work.db.run(
            lambda session: adopt(
                session,
                session.scalars(
                    select(Plan).where(Plan.territory_id == rows.territory.id, Plan.on == rows.on)
                ).one(),
                orders=found.orders(),
                based_on=found.based_on(),
                tables=tables,
                now=now,
                actor=actor,
                limits=Limits(freeze=work.freeze),
            )
        ),
    )


def _figures(plan: scheduler.Plan) -> dict[str, int]:
    return {name: plan.cost[name] for name in ("unassigned", "travel_s", "overtime_s") if name in plan.cost}


def _mine(job: Job, owner: str) -> bool:
    return job.state == JobState.RUNNING and job.lease_owner == owner


def _own(session: Session, job_id: int, owner: str) -> Job:
    """The job, locked; raises Cancelled when it is no longer this worker's."""
    job = session.get_one(Job, job_id, with_for_update=True)
    if not _mine(job, owner):
        raise Cancelled
    return job


def _report(session: Session, job_id: int, owner: str, figures: dict[str, Any]) -> None:
    job = session.get_one(Job, job_id, with_for_update=True)
    if _mine(job, owner):
        job.progress = figures


def _finish(job: Job, result: dict[str, Any], *, now: datetime) -> None:
    job.state, job.result, job.finished_at = JobState.DONE, result, now


def _fail(session: Session, job_id: int, owner: str, error: str, *, now: datetime) -> None:
    job = session.get_one(Job, job_id, with_for_update=True)
    if _mine(job, owner):
        job.state, job.error, job.finished_at = JobState.FAILED, error, now
