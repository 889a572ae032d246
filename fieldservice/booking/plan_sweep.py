"""The background side of service plans: dates become invitations, each plan in a transaction of its own.

Killed in the middle it goes on at the next run; of two that run at once the second finds the work done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from functools import partial

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from fieldservice.booking.new_visits import PLAN, Company, make_link, new_visit
from fieldservice.booking.waiting import DAYTIME
from fieldservice.db import Database, exists_one
from fieldservice.models import (
    Occurrence,
    OccurrenceState,
    OfficeTask,
    Purpose,
    Renewal,
    Role,
    ServicePlan,
    Visit,
    VisitState,
)
from fieldservice.planning import service_plans
from fieldservice.sweeps import each

REMIND_AFTER = timedelta(days=3)
"""The least time between the invitation and the one reminder, which is sent when the due period begins."""
CALL_WITHIN = timedelta(days=2)
"""How long the office has to call somebody who has not picked."""
LINK_AFTER_TERM = timedelta(days=30)
_LOOK_BACK = timedelta(days=60)
_MAKE_EVERY = timedelta(days=30)


@dataclass
class Served:
    """How often a sweep did what."""

    invited: int = 0
    reminded: int = 0
    missed: int = 0
    told: int = 0
    renewed: int = 0
    ended: int = 0

    def add(self, other: Served) -> None:
        """Count what was done for another plan."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def serve_plans(db: Database, company: Company, *, now: datetime) -> Served:
    """Invite, remind, hand over to the office, and look after the ends of terms; at local daytime only."""
    with db.reading() as session:
        ids = _with_something_to_do(session, now)
    total = Served()
    for served in each(ids, lambda key: db.run(partial(_serve, plan_id=key, company=company, now=now))):
        total.add(served)
    return total


def _with_something_to_do(session: Session, now: datetime) -> Sequence[int]:
    soon = now.date() + timedelta(days=1)  # today, wherever the site is
    ahead = soon + service_plans.AHEAD - _MAKE_EVERY
    goes_on = or_(ServicePlan.ends_on.is_(None), ServicePlan.made_until < ServicePlan.ends_on)
    due = (
        select(Occurrence.plan_id)
        .outerjoin(Visit, Visit.id == Occurrence.visit_id)
        .where(Occurrence.skipped_at.is_(None), Occurrence.missed_at.is_(None), _is_due(soon))
    )
    return session.scalars(
        select(ServicePlan.id)
        .where(
            ServicePlan.ended_at.is_(None),
            or_(
                and_(ServicePlan.made_until < ahead, goes_on),
                ServicePlan.ends_on <= soon + service_plans.NOTICE,
                ServicePlan.id.in_(due),
            ),
        )
        .order_by(ServicePlan.id)
    ).all()


def _is_due(soon: date) -> ColumnElement[bool]:
    uninvited = or_(Visit.id.is_(None), Visit.state == VisitState.CANCELLED)
    unpicked = and_(Visit.state == VisitState.REQUESTED, Visit.window_starts_at.is_(None))
    unreminded = and_(Occurrence.reminded_at.is_(None), Occurrence.due_on <= soon)
    return and_(
        Occurrence.invite_on <= soon,
        Occurrence.closes_on >= soon - _LOOK_BACK,
        or_(uninvited, and_(unpicked, or_(unreminded, Occurrence.closes_on < soon))),
    )


def _serve(session: Session, *, plan_id: int, company: Company, now: datetime) -> Served:
    service_plans.lock_plans(session, [plan_id])
    plan = session.get_one(ServicePlan, plan_id)
    if plan.ended_at is not None:
        return Served()
    service_plans.make_occurrences(plan, now=now)
    done = Served()
    if DAYTIME[0] <= now.astimezone(plan.territory.zone).hour < DAYTIME[1]:
        for occurrence in list(plan.occurrences):
            _serve_one(session, occurrence, company, done, now=now)
        _look_after_the_term(session, plan, done, now=now)
    return done


def _serve_one(
    session: Session, occurrence: Occurrence, company: Company, done: Served, *, now: datetime
) -> None:
    if not occurrence.open:
        return
    today = occurrence.plan.territory.local_day(now)
    if today > occurrence.closes_on:
        _miss(session, occurrence, company, now=now)
        done.missed += 1
    elif occurrence.state == OccurrenceState.UPCOMING:
        if today >= occurrence.invite_on:
            _invite(session, occurrence, company, now=now)
            done.invited += 1
    elif occurrence.state == OccurrenceState.INVITED and today >= _reminder_day(occurrence):
        _tell(occurrence, "plan_reminder", now=now)
        occurrence.reminded_at = now
        done.reminded += 1


def _reminder_day(occurrence: Occurrence) -> date:
    invited_at = occurrence.invited_at
    if invited_at is None:
        return occurrence.due_on
    return max(occurrence.due_on, occurrence.plan.territory.local_day(invited_at + REMIND_AFTER))


def _invite(session: Session, occurrence: Occurrence, company: Company, *, now: datetime) -> None:
    occurrence.visit = _visit(session, occurrence.plan, company, now=now)
    occurrence.invited_at, occurrence.reminded_at = now, None
    _tell(occurrence, "plan_invitation", now=now)
    if not _can_be_told(occurrence.plan):
        _hand_over(session, occurrence.visit, "plan_call", now=now)


def _miss(session: Session, occurrence: Occurrence, company: Company, *, now: datetime) -> None:
    """The period is over: from here on it is the office's, which has the visit on its board."""
    if occurrence.state == OccurrenceState.UPCOMING:
        occurrence.visit = _visit(session, occurrence.plan, company, now=now)
    occurrence.missed_at = now
    visit = occurrence.visit
    if visit is not None and not _has_open_task(session, visit):
        _hand_over(session, visit, "plan_not_picked", now=now)


def _visit(session: Session, plan: ServicePlan, company: Company, *, now: datetime) -> Visit:
    order = plan.work_order
    visit = new_visit(
        session,
        order,
        plan.territory,
        company,
        now=now,
        actor=PLAN,
        needs=order.service.needs(),
        preferred_technician_id=plan.preferred_technician_id,
    )
    make_link(visit, company, now=now)
    session.flush()
    return visit


def _can_be_told(plan: ServicePlan) -> bool:
    """Whether the customer wants to be told, and can be."""
    requester = plan.work_order.contact(Role.REQUESTER)
    reachable = requester is not None and bool(requester.email or requester.phone)
    return reachable and plan.work_order.allows(Purpose.OFFERS)


def _tell(occurrence: Occurrence, kind: str, *, now: datetime) -> None:
    period = {"first_on": occurrence.due_on.isoformat(), "last_on": occurrence.closes_on.isoformat()}
    if occurrence.visit is not None and _can_be_told(occurrence.plan):
        occurrence.visit.tell(kind, due_at=now, now=now, payload=period)


def _hand_over(session: Session, visit: Visit, kind: str, *, now: datetime) -> None:
    """A task of the office with a deadline."""
    due_at = now + CALL_WITHIN
    session.add(OfficeTask(kind=kind, visit_id=visit.id, created_at=now, due_at=due_at))


def _has_open_task(session: Session, visit: Visit) -> bool:
    waiting = select(OfficeTask.id).where(OfficeTask.visit_id == visit.id, OfficeTask.done_at.is_(None))
    return exists_one(session, waiting)


def _look_after_the_term(session: Session, plan: ServicePlan, done: Served, *, now: datetime) -> None:
    if plan.ends_on is None:
        return
    today = plan.territory.local_day(now)
    if today > plan.ends_on and plan.renewal == Renewal.AUTOMATIC:
        service_plans.renew(plan, ends_on=plan.ends_on, now=now)
        done.renewed += 1
    elif today > plan.ends_on and not any(occurrence.open for occurrence in plan.occurrences):
        plan.ended_at = now
        done.ended += 1
        if plan.renewal == Renewal.ASK and plan.latest_visit is not None:
            _hand_over(session, plan.latest_visit, "plan_not_renewed", now=now)
    elif plan.told_at is None and service_plans.may_renew(plan, now=now):
        done.told += _tell_the_end(plan, plan.ends_on, now=now)


def _tell_the_end(plan: ServicePlan, ends_on: date, *, now: datetime) -> bool:
    """Write about the end of the term; impossible before the first visit, whose link would lead there."""
    visit = plan.latest_visit
    if visit is None or not visit.links:
        return False
    link = visit.links[-1]
    link.expires_at = max(link.expires_at, plan.territory.midnight(ends_on) + LINK_AFTER_TERM)
    payload = {"last_on": ends_on.isoformat(), "renewal": plan.renewal, "occasion": ends_on.isoformat()}
    visit.tell("plan_term", due_at=now, now=now, payload=payload)
    plan.told_at = now
    return True
