"""A dispatcher ties visits together, or sets them free: a change with a history, undone like every other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from fieldservice.geo.types import TravelTable
from fieldservice.models import PlanChange, Visit, VisitLink, VisitState
from fieldservice.models.visit import ENDED, PLANNABLE
from fieldservice.planning.changes import NotPlannable, require_links
from fieldservice.planning.history import ChangeLog
from fieldservice.planning.linked import links_of
from fieldservice.planning.problem import StaleTravel, build, visit_id
from fieldservice.planning.rows import load_day, visit_options
from fieldservice.planning.service import lock_territory
from fieldservice.planning.store import ensure_plan

CHOICES = 200


class GoesInCircles(Exception):
    """The visit that is to come first follows the other one already."""


class NotLinked(Exception):
    """The visit does not follow the other one, or no longer."""


@dataclass(frozen=True)
class Tie:
    """How a visit follows another: how long after its end, and whether one technician makes both."""

    min_lag: timedelta = timedelta(0)
    max_lag: timedelta | None = None
    same_technician: bool = False


def link_visits(
    session: Session,
    visit: Visit,
    first: Visit,
    tie: Tie | None,
    *,
    on: date,
    tables: Mapping[date, TravelTable],
    now: datetime,
    actor: str,
) -> PlanChange:
    """Let a visit follow another one, or (None) no longer; the change is told in the history of the day `on`.

    Raises NotLinked where nothing is to be untied, NotPlannable for visits that have begun or ended or are
    not of one territory, GoesInCircles, RuleBroken where they do not follow
    each other as they are planned, StaleTravel.
    """
    lock_territory(session, visit.territory)
    session.refresh(visit)
    session.refresh(first)
    if on not in tables:
        raise StaleTravel
    if tie is not None:
        _require_possible(session, visit, first)
    plan = ensure_plan(session, visit.territory, on)
    day = build(load_day(session, visit.territory, on, now=now), tables[on])
    log = ChangeLog(session, {on: day}, now=now, actor=actor)
    log.remember_routes((), ())
    log.remember_links([visit_id(visit)])
    present = VisitLink.visit_id == visit.id, VisitLink.after_id == first.id
    if tie is None and session.scalar(select(VisitLink.id).where(*present)) is None:
        raise NotLinked
    session.execute(delete(VisitLink).where(*present))
    if tie is not None:
        session.add(_row(visit, first, tie, now))
        session.flush()
        require_links(day, links_of(session, [visit.id]))
    plan.version += 1
    return log.store("link" if tie else "unlink", plan, {"visit_id": visit.id, "first_id": first.id})


def linkable(session: Session, visit: Visit, shown: Collection[int]) -> list[Visit]:
    """What a visit may follow: its customer's other visits, then those of the day with these numbers."""
    customer = visit.work_order.customer_id
    found = session.scalars(
        select(Visit)
        .join(Visit.work_order)
        .where(
            Visit.territory_id == visit.territory_id,
            Visit.id != visit.id,
            Visit.state.not_in(ENDED - {VisitState.DONE}),
            or_(Visit.id.in_(shown), Visit.work_order.has(customer_id=customer)),
        )
        .order_by(Visit.window_starts_at, Visit.id)
        .options(*visit_options())
        .limit(CHOICES)
    ).all()
    return sorted(found, key=lambda each: each.work_order.customer_id != customer)


def _require_possible(session: Session, visit: Visit, first: Visit) -> None:
    begun = visit.state not in PLANNABLE or first.state in ENDED - {VisitState.DONE}
    if begun or visit.territory_id != first.territory_id:
        raise NotPlannable
    if visit.id in {first.id, *_followed(session, first.id)}:
        raise GoesInCircles


def _followed(session: Session, number: int) -> set[int]:
    """Everything that a visit follows, at any distance."""
    seen: set[int] = set()
    fresh = {number}
    while fresh:
        rows = session.scalars(select(VisitLink.after_id).where(VisitLink.visit_id.in_(fresh)))
        fresh = set(rows) - seen
        seen |= fresh
    return seen


def _row(visit: Visit, first: Visit, tie: Tie, now: datetime) -> VisitLink:
    return VisitLink(
        visit_id=visit.id,
        after_id=first.id,
        min_lag=tie.min_lag,
        max_lag=tie.max_lag,
        same_technician=tie.same_technician,
        created_at=now,
    )
