"""Service plans of the made-up company: one just begun, one whose customer picks now, one that ends soon."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.booking import plan_sweep
from fieldservice.booking.new_visits import company_of
from fieldservice.models import PartOfDay, Renewal, Service, Site
from fieldservice.models.recurrence import Rule, Season, Unit, add_months
from fieldservice.planning import service_plans
from fieldservice.planning.service_plans import Likes, Terms
from fieldservice.web import Services


def begin_plans(services: Services, territory_id: int, today: date, *, as_of: datetime) -> int:
    """Begin a plan for some of the customers who have booked, and invite those whose visit is due."""
    agreed = (
        ("heating", _yearly(today + timedelta(days=5)), Likes(weekdays="14", part=PartOfDay.MORNING)),
        ("heating", _yearly(today + timedelta(days=70)), Likes()),
        ("hot-water", _half_yearly(add_months(today, -12) + timedelta(days=20)), Likes()),
        ("cooling", _every_other_week(today + timedelta(days=3)), Likes(part=PartOfDay.AFTERNOON)),
    )

    def work(session: Session) -> int:
        known = select(Site).where(Site.territory_id == territory_id, Site.lat.is_not(None)).order_by(Site.id)
        sites = session.scalars(known.limit(len(agreed))).all()
        offered = {service.code: service for service in session.scalars(select(Service))}
        for site, (code, terms, likes) in zip(sites, agreed, strict=False):
            service_plans.start(session, terms, likes, site=site, service=offered[code], now=as_of)
        return len(sites)

    begun = services.db.run(work)
    plan_sweep.serve_plans(services.db, company_of(services.settings), now=as_of)
    return begun


def _yearly(first_on: date) -> Terms:
    rule = Rule(first_on, 1, Unit.YEARS)
    return Terms(rule=rule, term_months=24, renewal=Renewal.AUTOMATIC)


def _half_yearly(first_on: date) -> Terms:
    rule = Rule(first_on, 6, Unit.MONTHS, Season(first_on.month, add_months(first_on, 8).month))
    return Terms(rule=rule, term_months=12, renewal=Renewal.ASK)


def _every_other_week(first_on: date) -> Terms:
    return Terms(rule=Rule(first_on, 2, Unit.WEEKS), period_days=7, lead_days=5)
