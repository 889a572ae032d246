"""A draft for a customer who comes back by the private link of an earlier visit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from fieldservice.booking import drafts, manage
from fieldservice.booking.drafts import DraftAnswers, SiteAnswers
from fieldservice.geo.types import Coordinates
from fieldservice.models import BookingDraft, Role, Site, Visit


def begin(session: Session, visit: Visit, *, now: datetime) -> BookingDraft:
    """The same service at the same site for the same person; who came is known to them."""
    requester = visit.work_order.contact(Role.REQUESTER)
    contact = (
        {"name": requester.name, "phone": requester.phone, "email": requester.email} if requester else {}
    )
    answers = DraftAnswers(
        service=visit.service.code,
        site=_site(visit.site),
        territory_id=visit.territory_id,
        contact={name: value for name, value in contact.items() if value},
        known_technician_id=manage.known_technician_id(visit),
    )
    return drafts.start(session, answers, now=now)


def _site(site: Site) -> SiteAnswers:
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
