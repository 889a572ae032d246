"""A company of two on one short morning: the expert has a visit that the novice could make as well."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.booking import manage
from fieldservice.geo.town import CENTRE
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import Stop, Technician, Territory, Visit, Window
from fieldservice.planning import service as planning
from fieldservice.planning.travel import with_travel
from fieldservice.web import Services
from tests.factories import (
    HEATING,
    NOW,
    make_service,
    make_site,
    make_technician,
    make_visit,
    make_work_order,
)
from tests.fieldservice.booking import demoville

WEDNESDAY = date(2026, 3, 4)
DAY = WEDNESDAY.isoformat()
LONG = timedelta(hours=2)
SHORT = (time(8), time(11))
AT = Coordinates(*CENTRE)


def open_tight_company(session: Session, *, hours: tuple[time, time] = SHORT, **service: object) -> Territory:
    """Heating takes two hours and the expert; the novice and the expert work from 8 to 11."""
    company = demoville.open_company(session, technicians=0, skills={HEATING: 3}, duration=LONG, **service)
    for name, level in (("Nora Novice", 1), ("Edda Expert", 3)):
        make_technician(session, company.territory, name=name, skills={HEATING: level}, hours=hours, home=AT)
    return company.territory


def easy_visit(services: Services, promised: Window, *, now: datetime = NOW, by: str = "Edda Expert") -> int:
    """A visit that both could make, promised a window, on the route of one of them."""

    def make(session: Session) -> tuple[int, int, int]:
        territory = session.scalars(select(Territory)).one()
        only = session.scalars(select(Technician.id).where(Technician.name == by)).one()
        site = make_site(session, territory=territory, at=AT)
        order = make_work_order(
            session, site=site, service=make_service(session, duration=LONG, active=False)
        )
        return make_visit(session, territory=territory, work_order=order).id, territory.id, only

    visit_id, territory_id, only = services.db.run(make)

    def book(tables: Mapping[date, TravelTable]) -> None:
        def work(session: Session) -> None:
            visit = session.get_one(Visit, visit_id)
            planning.book_visit(
                session, visit, promised, tables=tables, now=now, actor="test", only_technician_id=only
            )

        services.db.run(work)

    on = promised.starts_at.date()
    with_travel(services.db, services.tables, territory_id, [on], [AT], now=now, work=book)
    return visit_id


def who_comes(services: Services, visit_id: int) -> str:
    """The name of the technician on whose route a visit is."""
    with services.db.reading() as session:
        return session.scalars(
            select(Technician.name)
            .join(Stop, Stop.technician_id == Technician.id)
            .where(Stop.visit_id == visit_id)
        ).one()


def cancel(services: Services, visit_id: int, *, now: datetime = NOW) -> None:
    """End a visit and give its place back."""
    with services.db.reading() as session:
        visit = session.get_one(Visit, visit_id)
        territory_id, days = visit.territory_id, planning.days_of_visit(visit)

    def work(tables: Mapping[date, TravelTable]) -> None:
        def end(session: Session) -> None:
            visit = session.get_one(Visit, visit_id)
            manage.lock(session, visit)
            manage.cancel(session, visit, reason="", tables=tables, now=now)

        services.db.run(end)

    with_travel(services.db, services.tables, territory_id, days, [AT], now=now, work=work)
