"""Better plans: what is asked for, and a search on a snapshot. What becomes of it is in `proposals`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import scheduler
from fieldservice.db import lock_rows
from fieldservice.geo.types import TravelTable
from fieldservice.models import Job, JobState, Plan, Route, Stop, Territory, Visit
from fieldservice.planning.goals import ANYTHING, Aim, Goal, Scope, aimed, busy_gap_s
from fieldservice.planning.problem import WHOLE_DAY_S, Day, build, row_id, visit_id
from fieldservice.planning.rows import load_day
from scheduler import costs

PROPOSE, AHEAD, IMPROVE = "propose", "ahead", "improve"
"""A plan that somebody waits for, one of many days, and one that nobody asked for."""


@dataclass(frozen=True)
class Change:
    """One visit that the new plan treats otherwise; times are None where it has no stop."""

    visit_id: int
    from_technician_id: int | None
    from_starts_at: datetime | None
    to_technician_id: int | None
    to_starts_at: datetime | None
    promise_kept: bool

    def as_json(self) -> dict[str, Any]:
        """The change as a proposal stores it."""
        return {
            "visit_id": self.visit_id,
            "from_technician_id": self.from_technician_id,
            "from_starts_at": self.from_starts_at.isoformat() if self.from_starts_at else None,
            "to_technician_id": self.to_technician_id,
            "to_starts_at": self.to_starts_at.isoformat() if self.to_starts_at else None,
            "promise_kept": self.promise_kept,
        }


@dataclass(frozen=True)
class Found:
    """A plan that a search found for a snapshot of a day, and what it was asked for."""

    day: Day
    plan: scheduler.Plan
    aim: Aim = ANYTHING

    def orders(self) -> dict[str, list[str]]:
        """Technician -> the visits in order."""
        return {
            shift.id[1:]: list(self.plan.route_of(shift.id).visit_ids) for shift in self.day.problem.shifts
        }

    def based_on(self) -> dict[str, Any]:
        """What the search saw: it holds only while these versions stand."""
        routes = {
            str(entry.technician.id): self.day.rows.version(entry.technician.id)
            for entry in self.day.rows.technicians
        }
        return {"routes": routes, "visits": {f"v{key}": row.version for key, row in self.day.visits.items()}}

    def changes(self) -> list[Change]:
        """What would be different, broken promises first, then by the new start."""
        old, new = self._stored(), _stops(self.day, self.plan)
        found = []
        for key, visit in self.day.visits.items():
            before, after = old.get(f"v{key}"), new.get(f"v{key}")
            if before != after:
                old_technician, old_start = before or (None, None)
                new_technician, new_start = after or (None, None)
                kept = _kept(visit, after)
                found.append(Change(key, old_technician, old_start, new_technician, new_start, kept))
        last = self.day.instant(WHOLE_DAY_S)
        return sorted(found, key=lambda change: (change.promise_kept, change.to_starts_at or last))

    def _stored(self) -> dict[str, tuple[int, datetime]]:
        stops = [stop for entry in self.day.rows.technicians for stop in entry.stops]
        return {f"v{stop.visit_id}": (stop.technician_id, stop.starts_at) for stop in stops if stop.visit_id}

    def summary(self, *, seconds: float) -> dict[str, Any]:
        """Figures of the plan before and after, and the changes."""
        before = costs.evaluate(self.day.problem, self.day.plan)
        after = costs.evaluate(self.day.problem, self.plan)
        promised = [visit for visit in self.day.visits.values() if visit.promised]
        changes = self.changes()
        return {
            "promised": len(promised),
            "promises_kept": _promises_kept(promised, _stops(self.day, self.plan)),
            "promises_kept_before": _promises_kept(promised, self._stored()),
            "moved": sum(change.from_technician_id != change.to_technician_id for change in changes),
            "fairness_before_s": busy_gap_s(self.day.problem, self.day.plan),
            "fairness_after_s": busy_gap_s(self.day.problem, self.plan),
            "unassigned_before": before["unassigned"],
            "unassigned_after": after["unassigned"],
            "driving_before_s": before["travel_s"],
            "driving_after_s": after["travel_s"],
            "overtime_before_s": before["overtime_s"],
            "overtime_after_s": after["overtime_s"],
            "seconds": round(seconds, 1),
            "scope": self.aim.scope.as_json(),
            "changes": [change.as_json() for change in changes],
            "unassigned": [
                {"visit_id": row_id(left.visit), "reasons": list(left.reasons)}
                for left in self.plan.unassigned
                if left.visit.startswith("v")
            ],
        }


def search(
    day: Day,
    *,
    seconds: float | None,
    iterations: int | None = None,
    should_stop: Callable[[], bool] | None = None,
    progress: Callable[[scheduler.Plan], None] | None = None,
    aim: Aim = ANYTHING,
) -> Found:
    """Look for a better plan of a day that was built with `lift`; nothing is locked meanwhile.

    What the scope leaves out stays as it is.
    """
    from scheduler.solver import solve  # OR-Tools belongs in workers and commands, never in the web process

    part, start = aim.scope.narrowed(day)
    if not part.shifts:
        return Found(day, day.plan, aim)

    def report(best: scheduler.Plan) -> None:
        if progress is not None:
            whole = aim.scope.widened(day, best)
            progress(replace(whole, cost=costs.evaluate(day.problem, whole)))

    plan = solve(
        aimed(part, aim.goal),
        start,
        seconds=seconds,
        iterations=iterations,
        should_stop=should_stop,
        progress=report,
    )
    return Found(day, aim.scope.widened(day, plan), aim)


def snapshot(
    session: Session,
    territory: Territory,
    on: date,
    *,
    table: TravelTable,
    now: datetime,
    rescue: Iterable[str] = (),
    freeze: timedelta = timedelta(0),
) -> Day:
    """A day as a search may see it after the transaction is over.

    Visits to `rescue` have no stop in it; what begins within `freeze` stays.

    A request that no customer was given a time for stays out: somebody agrees on one first, then places it.
    """
    rows = load_day(session, territory, on, now=now)
    requests = [visit_id(visit) for visit in rows.unassigned if visit.window is None]
    return build(rows, table, without=requests, lift=True, rescue=rescue, freeze=freeze)


@dataclass(frozen=True)
class Asked:
    """What somebody asks the planner for: a plan for each goal, of all of a day or a part of it.

    What is `ahead` waits until nobody looks for an answer.
    """

    goals: tuple[Goal, ...] = (Goal.BALANCED,)
    scope: Scope = Scope()
    ahead: bool = False


def request_proposal(
    session: Session, plan: Plan, *, now: datetime, actor: str, asked: Asked = Asked()
) -> Job:
    """Ask for better plans of a day; a search that already runs for it is not started twice."""
    job = _request(session, PROPOSE, plan, now.isoformat(), now=now, actor=actor)
    open_to_all = "causes" not in job.payload and ("goals" not in job.payload or job.kind == AHEAD)
    if job.state == JobState.QUEUED and open_to_all:
        job.kind = AHEAD if asked.ahead else PROPOSE
        goals = [goal.value for goal in asked.goals]
        job.payload = {**job.payload, "goals": goals, "scope": asked.scope.as_json()}
    return job


def request_improvement(session: Session, plan: Plan, *, now: datetime) -> Job | None:
    """Ask for a day to be improved in the background, once for each state that it is in."""
    key = f"{IMPROVE}:{plan.id}:{plan.version}"
    if session.scalar(select(Job.id).where(Job.dedupe_key == key)) is not None:
        return None
    return _request(session, IMPROVE, plan, str(plan.version), now=now, actor="system")


def improve_later(session: Session, visit: Visit, *, now: datetime) -> Job | None:
    """Ask for the day of a visit that was just booked to be improved, so that room stays for the next one.

    One search waits for a day at most, however many visits are booked meanwhile. None for a day whose
    technicians know their routes, and for a visit that is on no route.
    """
    stop = select(Stop.route_id).where(Stop.visit_id == visit.id)
    plan = session.scalar(select(Plan).join(Route, Route.plan_id == Plan.id).where(Route.id.in_(stop)))
    if plan is None or plan.dispatched_at is not None:
        return None
    return request_improvement(session, plan, now=now)


def _request(session: Session, kind: str, plan: Plan, key: str, *, now: datetime, actor: str) -> Job:
    lock_rows(session, "plan", [plan.id])  # two requests at once are one search
    running = session.scalar(
        select(Job).where(
            Job.dedupe_key.startswith(f"{kind}:{plan.id}:"),
            Job.state.in_([JobState.QUEUED, JobState.RUNNING]),
        )
    )
    if running is not None:
        return running
    job = Job(
        kind=kind,
        dedupe_key=f"{kind}:{plan.id}:{key}",
        payload={"plan_id": plan.id},
        created_at=now,
        created_by=actor,
    )
    session.add(job)
    session.flush()
    return job


def _stops(day: Day, plan: scheduler.Plan) -> dict[str, tuple[int, datetime]]:
    return {
        stop.visit: (row_id(route.shift), day.instant(stop.start_s))
        for route in plan.routes
        for stop in route.stops
        if stop.visit is not None
    }


def _promises_kept(promised: Iterable[Visit], stops: Mapping[str, tuple[int, datetime]]) -> int:
    return sum(_kept(visit, stops.get(f"v{visit.id}")) for visit in promised)


def _kept(visit: Visit, stop: tuple[int, datetime] | None) -> bool:
    window = visit.window
    if window is None or not visit.promised:
        return True
    return stop is not None and window.starts_at <= stop[1] <= window.ends_at


def tomorrow(territory: Territory, now: datetime) -> date:
    """The day that is improved in the background."""
    return territory.local_day(now) + timedelta(days=1)
