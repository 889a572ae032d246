"""What can be booked, and which windows can be kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session

from fieldservice import clock, web
from fieldservice.api.edge import bp, found
from fieldservice.api.problems import Refused
from fieldservice.api.schemas import ServicesSchema, SlotQuery, SlotsSchema
from fieldservice.api.tokens import Scope
from fieldservice.booking import bookable
from fieldservice.geo.types import Coordinates
from fieldservice.models import Service
from fieldservice.planning import service as planning


@bp.operation("GET", "/services", Scope.SERVICES_READ, ServicesSchema)
def services() -> dict[str, Any]:
    """What can be booked, with the questions that a booking answers."""
    with web.services().db.reading() as session:
        return {"items": [_service(each) for each in bookable.active_services(session)]}


def _service(service: Service) -> dict[str, Any]:
    return {
        "code": service.code,
        "name": service.name,
        "description": service.description,
        "place": service.place,
        "duration_minutes": round(service.duration.total_seconds() / 60),
        "price_text": service.price_text,
        "questions": [
            {
                "code": question.code,
                "kind": question.kind,
                "label": question.label,
                "required": question.required,
                "options": [option.code for option in question.options],
            }
            for question in service.intake_questions
        ],
    }


def service_of(session: Session, code: str) -> Service:
    """The bookable service with this code; 422 for none."""
    service = next((each for each in bookable.active_services(session) if each.code == code), None)
    if service is None:
        raise Refused(422, "invalid", "See errors.", {"service": ["No service has this code."]})
    return service


@bp.operation("GET", "/slots", Scope.SERVICES_READ, SlotsSchema, query=SlotQuery)
def slots(query: dict[str, Any]) -> dict[str, Any]:
    """The windows that a technician can keep on the plans as they are; nothing is reserved."""
    now, at = clock.now(), Coordinates(query["latitude"], query["longitude"])
    with web.services().db.reading() as session:
        service = service_of(session, query["service"])
        territory = planning.territory_at(session, at)
        if territory is None:
            raise Refused(422, "outside_area", "No territory serves this place.")
        ask = found(planning.ask_for(service, territory, at))
        first = query.get("first_day") or territory.local_day(now)
        last = first + timedelta(days=query["days"] - 1)
        days = [on for on in planning.offered_days(ask, now=now) if first <= on <= last]
        offers = planning.slots(session, ask, days, now=now, tables=web.services().tables)
        items = [{**_bounds(slot), "estimated": slot.estimated} for on in days for slot in offers[on].firsts]
        return {"territory": territory.id, "time_zone": territory.time_zone, "items": items}


def _bounds(slot: planning.Slot) -> dict[str, Any]:
    return {"starts_at": slot.window.starts_at, "ends_at": slot.window.ends_at}
