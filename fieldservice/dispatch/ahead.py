"""The next two weeks: which day is searched, and which plans wait for a decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.dispatch import service
from fieldservice.dispatch.optimise_forms import DAYS_AHEAD
from fieldservice.models import Job, Plan, Proposal, Territory
from fieldservice.planning import jobs, proposals


@dataclass(frozen=True)
class DayAhead:
    """A day that has a plan; `proposal` is the one that waits, `job` a search that is not over.

    Where two plans are `compared`, the board decides.
    """

    on: date
    proposal: Proposal | None
    job: Job | None
    compared: bool


def days_of(session: Session, territory: Territory, *, now: datetime) -> list[DayAhead]:
    """The days with a plan from today on."""
    today = territory.local_day(now)
    last = today + timedelta(days=DAYS_AHEAD - 1)
    query = select(Plan.on).where(Plan.territory_id == territory.id, Plan.on.between(today, last))
    found = []
    for on in session.scalars(query.order_by(Plan.on)).all():
        state = service.state_of_day(session, territory.id, on)
        number = state.proposal_id if not state.compared else None
        proposal = session.get_one(Proposal, number) if number else None
        found.append(DayAhead(on, proposal, state.searching, state.compared))
    return found


def discard(session: Session, territory: Territory, *, now: datetime, user_id: int | None) -> None:
    """Stop what is searched and close what waits."""
    for day in days_of(session, territory, now=now):
        if day.job is not None:
            jobs.cancel_job(session, day.job, now=now)
        if day.proposal is not None:
            proposals.discard_proposal(session, day.proposal, now=now, user_id=user_id)
