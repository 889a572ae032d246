"""A draft for a customer who comes back by the private link of an earlier visit."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from fieldservice.booking import drafts, manage, personal
from fieldservice.booking.drafts import DraftAnswers, SiteAnswers
from fieldservice.geo.types import Coordinates
from fieldservice.models import BookingDraft, CustomerKind, Role, Site, Visit, WorkOrder


def begin(
    session: Session,
    visit: Visit,
    *,
    now: datetime,
    sites: Sequence[Site] = (),
    network: str | None = None,
) -> BookingDraft:
    """The same service for the same person at the same site, or at these; who came is known to them."""
    answers = DraftAnswers(
        service=visit.service.code,
        site=site_answers(sites[0] if sites else visit.site),
        more_sites=tuple(map(site_answers, sites[1:])),
        territory_id=visit.territory_id,
        contact=contact_of(visit.work_order),
        internal=visit.work_order.customer.kind == CustomerKind.INTERNAL,
        known_technician_id=manage.known_technician_id(visit),
    )
    return drafts.start(session, answers, now=now, network=network)


def sites_of(session: Session, visit: Visit) -> list[Site]:
    """The sites of whoever reads the e-mail or phone of the visit's requester, in the same territory.

    For who has proved that they do: the private link of one visit alone proves nothing about others.
    """
    orders = personal.orders_of(session, visit)
    found = {order.site.written: order.site for order in orders if order.site.located}
    return [site for site in found.values() if site.territory_id == visit.territory_id]


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
