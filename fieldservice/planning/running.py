"""What goes wrong on a running day, and the search for a plan that mends it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

import scheduler
from fieldservice.db import lock_rows
from fieldservice.models import Job, JobState, Plan, Proposal
from fieldservice.planning.improve import PROPOSE, Found, search
from fieldservice.planning.problem import RUNNING_CHANGE, Day, row_id
from fieldservice.planning.proposals import open_ones

SEARCH_S = 5.0
"""Seconds for a plan while somebody waits for it; customers wait too."""


class CauseKind(StrEnum):
    """What has happened."""

    SICK = "sick"
    VEHICLE = "vehicle"
    OVERRUN = "overrun"
    HOLIDAY = "holiday"
    OTHERWISE = "otherwise"  # other hours, other skills, or not with the company any more


@dataclass(frozen=True)
class Cause:
    """Why a running day needs another plan.

    `visit_ids` lose their place or begin too late by it. `pins` are those that it freed, as a change stores
    them; both and the absence come back when the plan is undone.
    """

    kind: CauseKind
    technician_id: int
    visit_ids: tuple[int, ...]
    absence_id: int | None = None
    pins: Mapping[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The cause as a job and a proposal store it."""
        return {**asdict(self), "visit_ids": list(self.visit_ids)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Cause:
        """The cause that `as_json` stored."""
        return cls(**{**stored, "kind": CauseKind(stored["kind"]), "visit_ids": tuple(stored["visit_ids"])})


def causes_of(stored: Mapping[str, Any]) -> tuple[Cause, ...]:
    """What a job's payload, or the summary of a proposal or a change, says went wrong."""
    return tuple(Cause.from_json(cause) for cause in stored.get("causes", ()))


def request_repair(session: Session, plan: Plan, cause: Cause, *, now: datetime, actor: str) -> Job:
    """Ask for a plan that mends a running day; it also mends what an unfinished or undecided one was for."""
    lock_rows(session, "plan", [plan.id])
    earlier: list[Any] = []
    for proposal in session.scalars(open_ones(plan.id)):
        earlier += proposal.summary.get("causes", [])
    for job in session.scalars(_unfinished_jobs(plan)):
        earlier += [cause for cause in job.payload.get("causes", []) if cause not in earlier]
        job.state, job.finished_at = JobState.CANCELLED, now
    job = Job(
        kind=PROPOSE,
        dedupe_key=f"{PROPOSE}:{plan.id}:{cause.kind}-{cause.technician_id}-{now.isoformat()}",
        payload={"plan_id": plan.id, "causes": [*earlier, cause.as_json()]},
        created_at=now,
        created_by=actor,
    )
    session.add(job)
    session.flush()
    return job


def forget_absence(session: Session, absence_id: int, *, now: datetime) -> None:
    """Close the searches and proposals that an absence was the cause of: it is over."""
    for job in session.scalars(select(Job).where(Job.kind == PROPOSE, Job.state.in_(_UNFINISHED))):
        if _is_about(absence_id, job.payload):
            job.state, job.finished_at = JobState.CANCELLED, now
    for proposal in session.scalars(select(Proposal).where(Proposal.state == "open")):
        if _is_about(absence_id, proposal.summary):
            proposal.state, proposal.decided_at = "replaced", now


def late_visits(day: Day) -> frozenset[str]:
    """The visits of a day that begin after their promised windows as its plan is."""
    return frozenset(
        stop.visit
        for route in day.plan.routes
        for stop in route.stops
        if stop.visit is not None and _is_late(day, stop)
    )


def mend(
    look: Callable[[Iterable[str]], Day],
    *,
    seconds: float,
    should_stop: Callable[[], bool],
    progress: Callable[[scheduler.Plan], None],
    aim: Callable[[scheduler.Problem], scheduler.Problem],
) -> Found:
    """Find places for what lost its own, and in time for what is late, with few changes for the others.

    `look` builds the day without the stops of the visits that it is given, `aim` says what the search cares
    for. What is late and finds no better place stays where it is: late is better than not at all.
    """

    def searched(without: Iterable[str]) -> Found:
        day = look(without)
        day = replace(day, problem=aim(day.problem))
        return search(day, seconds=seconds, should_stop=should_stop, progress=progress)

    late = late_visits(look(()))
    found = searched(late)
    hopeless = late & {left.visit for left in found.plan.unassigned}
    if not hopeless:
        return found
    return searched(() if should_stop() else late - hopeless)


def mending(problem: scheduler.Problem) -> scheduler.Problem:
    """What a plan for trouble cares for: it changes others as little as on a dispatched day."""
    return replace(problem, weights=scheduler.Weights(change=RUNNING_CHANGE))


def _is_late(day: Day, stop: scheduler.Stop) -> bool:
    visit = day.visits.get(row_id(stop.visit)) if stop.visit and stop.visit.startswith("v") else None
    window = visit.window if visit is not None else None
    return window is not None and day.instant(stop.start_s) > window.ends_at


_UNFINISHED: Sequence[str] = (JobState.QUEUED, JobState.RUNNING)


def _unfinished_jobs(plan: Plan) -> Any:
    key = Job.dedupe_key.startswith(f"{PROPOSE}:{plan.id}:", autoescape=True)
    return select(Job).where(key, Job.state.in_(_UNFINISHED))


def _is_about(absence_id: int, stored: Mapping[str, Any]) -> bool:
    return any(cause.absence_id == absence_id for cause in causes_of(stored))
