"""A small company whose day is planned for real: every stop comes from a booking."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.db import Database
from fieldservice.geo.estimate import EstimatedTravelTimes
from fieldservice.geo.tables import TravelTables
from fieldservice.geo.types import Coordinates, TravelTable
from fieldservice.models import Plan, Service, Stop, Territory, Visit, Window
from fieldservice.planning import service as planning
from fieldservice.planning.problem import Day, build
from fieldservice.planning.rows import load_day
from fieldservice.planning.travel import table_of, with_travel
from tests.factories import CENTRE, NOW, TOMORROW, Company, make_site, make_visit, make_work_order, window


class Scene:
    """A database with a company, and short words for what tests do with it."""

    def __init__(self, db: Database, make: Callable[[Session], Company]) -> None:
        self.db = db
        self.tables = TravelTables(EstimatedTravelTimes())
        company = db.run(make)
        self.territory_id, self.service_id = company.territory.id, company.service.id
        self.technicians = [technician.id for technician in company.technicians]

    def visit(self, at: Coordinates = CENTRE) -> int:
        """A request at a place, not planned yet."""

        def work(session: Session) -> int:
            territory = session.get_one(Territory, self.territory_id)
            site = make_site(session, territory=territory, at=at)
            order = make_work_order(session, site=site, service=session.get_one(Service, self.service_id))
            return make_visit(session, territory=territory, work_order=order).id

        return self.db.run(work)

    def book(
        self,
        promised: Window | None = None,
        *,
        at: Coordinates = CENTRE,
        now: datetime = NOW,
        visit: int | None = None,
    ) -> int:
        """A visit that is promised a window; the window decides the day."""
        wanted = promised or window()
        visit_id = visit or self.visit(at)

        def work(session: Session, tables: Mapping[date, TravelTable]) -> None:
            found = session.get_one(Visit, visit_id)
            planning.book_visit(session, found, wanted, tables=tables, now=now, actor="test")

        with self.db.reading() as session:
            found = session.get_one(Visit, visit_id)
            days = [found.territory.local_day(wanted.starts_at), *planning.days_of_visit(found)]
        self.change(work, days=days, now=now, extra=[at])
        return visit_id

    def change[T](
        self,
        work: Callable[[Session, Mapping[date, TravelTable]], T],
        *,
        days: Sequence[date] = (TOMORROW,),
        now: datetime = NOW,
        extra: Sequence[Coordinates] = (),
    ) -> T:
        """Do a change in a transaction, with the travel tables of some days."""
        return with_travel(
            self.db,
            self.tables,
            self.territory_id,
            days,
            extra,
            now=now,
            work=lambda tables: self.db.run(lambda session: work(session, tables)),
        )

    def day(self, session: Session, on: date = TOMORROW, now: datetime = NOW, **how: object) -> Day:
        """The day as the scheduler sees it."""
        rows = load_day(session, session.get_one(Territory, self.territory_id), on, now=now)
        return build(rows, table_of(self.tables, rows), **how)  # type: ignore[arg-type]

    def stops(self) -> dict[int, tuple[int, datetime, datetime]]:
        """Visit -> technician, start and end as stored."""
        with self.db.reading() as session:
            return {
                stop.visit_id: (stop.technician_id, stop.starts_at, stop.ends_at)
                for stop in session.scalars(select(Stop).where(Stop.visit_id.is_not(None)))
            }

    def version(self, on: date = TOMORROW) -> int:
        """The version of a day's plan."""
        with self.db.reading() as session:
            return session.scalars(select(Plan.version).where(Plan.on == on)).one()
