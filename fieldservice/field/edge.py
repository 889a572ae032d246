"""What the phone's views share: who is signed in, their day, and POSTs that count once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime

from flask import Response
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from fieldservice import auth, web
from fieldservice.field import service
from fieldservice.field.service import PhoneDay
from fieldservice.geo.types import TravelTable
from fieldservice.models import Technician
from fieldservice.planning.travel import with_travel


def technician_of(session: Session) -> Technician:
    """The technician who is signed in. Raises NoTechnician."""
    return service.technician_of(session, auth.actor().technician_id)


def day_of(session: Session, technician: Technician, on: date, now: datetime) -> PhoneDay:
    """A day of the technician's, timed as of now."""
    return service.phone_day(session, technician, on, tables=web.services().tables, now=now)


def once(work: Callable[[Session], ResponseReturnValue], *, now: datetime) -> Response:
    """Do a POST's work once for its key and its sender."""
    return web.once(work, now=now, scope=f"user:{auth.actor().id}")


def once_on_route(
    visit_id: int,
    work: Callable[[Session, Mapping[date, TravelTable]], ResponseReturnValue],
    *,
    now: datetime,
) -> Response:
    """Do a POST's work that times the route of an own visit anew, with the travel times of its day.

    Raises NotYourVisit, NoTechnician and whatever the work raises.
    """
    joined = web.services()
    with joined.db.reading() as session:
        technician = technician_of(session)
        day = service.planned_on(service.own_visit(session, technician, visit_id))
        territory_id = technician.territory_id

    def attempt(tables: Mapping[date, TravelTable]) -> Response:
        return once(lambda session: work(session, tables), now=now)

    return with_travel(joined.db, joined.tables, territory_id, [day], [], now=now, work=attempt)
