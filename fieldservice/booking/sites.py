"""The site of a customer that an address means."""

from __future__ import annotations

from datetime import datetime

from fieldservice.booking.drafts import SiteAnswers
from fieldservice.geo.types import Coordinates
from fieldservice.models import Customer, Site, Territory


def site_of(customer: Customer, wanted: SiteAnswers, territory: Territory, *, now: datetime) -> Site:
    """The customer's site at this very place, or a new one: nothing moves a known site."""
    for site in customer.sites:
        if _same_place(site, wanted):
            return site
    at = wanted.coordinates
    return Site(
        customer=customer,
        territory_id=territory.id,
        address=wanted.address,
        unit=wanted.unit,
        city=wanted.city,
        postcode=wanted.postcode,
        country=wanted.country,
        lat=at.lat if at else None,
        lon=at.lon if at else None,
        geocoded_by=wanted.provider,
        geocode_match=wanted.match,
        geocode_score=wanted.score,
        geocoded_at=now if at else None,
        pin_set_by_person=wanted.pin_set_by_person,
        access_kind=wanted.access_kind,
        access_notes=wanted.access_notes,
    )


def _same_place(site: Site, wanted: SiteAnswers) -> bool:
    texts = (site.address, site.unit, site.city, site.postcode, site.access_kind, site.access_notes)
    asked = (
        wanted.address,
        wanted.unit,
        wanted.city,
        wanted.postcode,
        wanted.access_kind,
        wanted.access_notes,
    )
    at = Coordinates(site.lat, site.lon) if site.lat is not None and site.lon is not None else None
    same_point = (at.key if at else None) == (wanted.coordinates.key if wanted.coordinates else None)
    return texts == asked and same_point and site.pin_set_by_person == wanted.pin_set_by_person
