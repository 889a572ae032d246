"""What the office sees of service plans: the list, the sites for which one can be begun, one plan's dates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, joinedload

from fieldservice.models import Customer, Occurrence, Service, ServicePlan, Site, Technician, WorkOrder

AT_MOST = 100
_PAST = timedelta(days=400)
_AHEAD = 24
_SITES = 25


@dataclass(frozen=True)
class PlanRow:
    """A plan with the next time that a visit of it is due, if any."""

    plan: ServicePlan
    following: Occurrence | None


def plans(session: Session, text: str, *, ended: bool, now: datetime) -> Sequence[PlanRow]:
    """The plans of customers whose name or address contains a text; what is due next comes first."""
    due = (
        select(Occurrence.plan_id, func.min(Occurrence.due_on).label("due_on"))
        .where(
            Occurrence.closes_on >= now.date(),
            Occurrence.skipped_at.is_(None),
            Occurrence.missed_at.is_(None),
        )
        .group_by(Occurrence.plan_id)
        .subquery()
    )
    query = (
        select(ServicePlan, Occurrence)
        .join(WorkOrder, WorkOrder.id == ServicePlan.work_order_id)
        .join(Customer, Customer.id == WorkOrder.customer_id)
        .join(Site, Site.id == WorkOrder.site_id)
        .outerjoin(due, due.c.plan_id == ServicePlan.id)
        .outerjoin(Occurrence, (Occurrence.plan_id == ServicePlan.id) & (Occurrence.due_on == due.c.due_on))
        .where(ServicePlan.ended_at.is_not(None) if ended else ServicePlan.ended_at.is_(None), _found(text))
        .options(
            joinedload(ServicePlan.work_order).joinedload(WorkOrder.customer),
            joinedload(ServicePlan.work_order).joinedload(WorkOrder.site),
            joinedload(ServicePlan.work_order).joinedload(WorkOrder.service),
            joinedload(Occurrence.visit),
        )
        .order_by(due.c.due_on.is_(None), due.c.due_on, ServicePlan.id, Occurrence.id)
        .limit(AT_MOST)
    )
    rows = {plan.id: PlanRow(plan, occurrence) for plan, occurrence in session.execute(query)}
    return list(rows.values())


def sites(session: Session, text: str) -> Sequence[Site]:
    """The sites of customers whose name or address contains a text, where somebody can go."""
    return session.scalars(
        select(Site)
        .join(Customer, Customer.id == Site.customer_id)
        .where(Site.territory_id.is_not(None), Site.lat.is_not(None), _found(text))
        .options(joinedload(Site.customer))
        .order_by(Customer.name, Site.id)
        .limit(_SITES)
    ).all()


def _found(text: str) -> ColumnElement[bool]:
    like = f"%{_escaped(text.lower())}%"
    columns = (Customer.name, Customer.email, Customer.phone, Site.address)
    return or_(*(func.lower(column).like(like, escape="\\") for column in columns))


def _escaped(text: str) -> str:
    for char in "\\%_":
        text = text.replace(char, f"\\{char}")
    return text


def services(session: Session) -> Sequence[Service]:
    """What a plan can be made for."""
    return session.scalars(select(Service).where(Service.active).order_by(Service.position, Service.id)).all()


def technicians(session: Session, territory_id: int | None) -> Sequence[Technician]:
    """Who can be preferred."""
    mine = Technician.territory_id == territory_id
    return session.scalars(select(Technician).where(mine, Technician.active).order_by(Technician.name)).all()


def dates(plan: ServicePlan, *, now: datetime) -> list[Occurrence]:
    """The dates of a plan of the last year and the next ones, in order."""
    today = plan.territory.local_day(now)
    past = [each for each in plan.occurrences if today - _PAST <= each.closes_on < today]
    return [*past, *[each for each in plan.occurrences if each.closes_on >= today][:_AHEAD]]
