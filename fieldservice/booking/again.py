"""A draft for a customer who comes back by the private link of an earlier visit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from fieldservice.booking import drafts, manage
from fieldservice.booking.drafts import DraftAnswers, SiteAnswers
from fieldservice.geo.types import Coordinates
from fieldservice.models import BookingDraft, Role, Site, Visit, WorkOrder


def begin(session: Session, visit: Visit, *, now: datetime) -> BookingDraft:
    """The same service at the same site for the same person; who came is known to them."""
    answers = DraftAnswers(
        service=visit.service.code,
        site=site_answers(visit.site),
        territory_id=visit.territory_id,
        contact=contact_of(visit.work_order),
        known_technician_id=manage.known_technician_id(visit),
    )
    return drafts.start(session, answers, now=now)


def contact_of(order: WorkOrder) -> dict[str, str]:
    """The requester of an order as the form of the last screen has it."""
    requester = order.contact(Role.REQUESTER)
    if requester is None:
        return {}
    contact = {"name": requester.name, "phone": requester.phone, "email": requester.email}
    return {name: value for name, value in contact.items() if value}


def site_answers(site: Site) -> SiteAnswers:
    """A stored site as the answers of a draft."""
    at = Coordinates(site.lat, site.lon) if site.lat is not None and site.lon is not None else None
    return SiteAnswers(
        address=site.address,
        unit=site.unit,
        city=site.city,
        postcode=site.postcode,
        country=site.country,
        coordinates=at,
        match=site.geocode_match,
        score=site.geocode_score,
        provider=site.geocoded_by,
        pin_set_by_person=site.pin_set_by_person,
        access_kind=site.access_kind,
        access_notes=site.access_notes,
    )
