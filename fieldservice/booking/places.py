"""From a typed address to a place in a territory; an address that nobody knows never stops a customer."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.booking.drafts import SiteAnswers
from fieldservice.geo.address import Address, Match
from fieldservice.geo.address_text import typed_number, typed_unit
from fieldservice.geo.estimate import crow_metres
from fieldservice.geo.types import Coordinates
from fieldservice.models import Branch, Place, Service, Site, Territory
from fieldservice.planning import service as planning

MOST_CANDIDATES = 5
PIN_REACH_M = 5_000
_AT_A_HOUSE = frozenset({Match.EXACT, Match.PIN, Match.NEAREST_NUMBER})
_NUMBER_FIRST = frozenset({"US", "CA", "GB", "IE", "FR", "AU", "NZ"})


class PinTooFar(Exception):
    """The pin was put so far from the address that one of the two is a mistake."""


class Geocoding(Protocol):
    """What finds addresses."""

    def locate(self, text: str) -> Address | None:
        """The best match of a typed address."""
        ...

    def suggest(self, text: str, limit: int = 6) -> list[Address]:
        """Addresses that begin like a typed one."""
        ...


def candidates(geocoding: Geocoding, text: str) -> list[Address]:
    """The places that a typed address may mean, the likeliest first."""
    best = geocoding.locate(text)
    found = [best] if best is not None else []
    found += geocoding.suggest(text, limit=MOST_CANDIDATES)
    houses = {_street(address) for address in found if address.match in _AT_A_HOUSE}
    by_label = {
        address.label: address
        for address in reversed(found)
        if address.match in _AT_A_HOUSE or (address.street and _street(address) not in houses)
    }
    return list(reversed(by_label.values()))[:MOST_CANDIDATES]


def _street(address: Address) -> tuple[str, str, str]:
    return address.street, address.city, address.postcode


def at(site: SiteAnswers, address: Address) -> SiteAnswers:
    """The site at a found address; only a house that was found replaces what the customer wrote."""
    if address.match is Match.EXACT:
        site = replace(
            site,
            address=address_line(address),
            city=address.city,
            postcode=address.postcode,
            country=address.country or site.country,
        )
    return replace(
        site,
        coordinates=address.coordinates,
        match=str(address.match),
        score=address.score,
        provider=address.provider,
    )


def chosen(site: SiteAnswers, address: Address) -> SiteAnswers:
    """The site at a place that the customer chose: its street and town, with the house number they typed."""
    if address.match is not Match.EXACT:
        line = with_typed_number(address, site.address, site.country)
        site = replace(
            site,
            address=address_line(line) if line.number else site.address,
            unit=site.unit or typed_unit(site.address),
            city=address.city or site.city,
            postcode=address.postcode or site.postcode,
            country=address.country or site.country,
        )
    return at(site, address)


def with_typed_number(address: Address, typed: str, country: str) -> Address:
    """A street or neighbour that was found, as the house that was typed; a house that was found as it is."""
    if address.match in (Match.EXACT, Match.PIN) or not address.street:
        return address
    number = typed_number(typed, known=f"{address.street} {address.city} {address.postcode}")
    if not number:
        return address
    house = replace(address, number=number, country=address.country or country)
    town = address.label.partition(", ")[2]
    return replace(house, label=", ".join(part for part in (address_line(house), town) if part))


def pin(site: SiteAnswers, where: Coordinates) -> SiteAnswers:
    """The site with its pin put there by a person, which nothing overwrites; raises PinTooFar."""
    if site.coordinates is None or crow_metres(site.coordinates, where) > PIN_REACH_M:
        raise PinTooFar
    return replace(
        site, coordinates=where, match=str(Match.PIN), score=None, provider="person", pin_set_by_person=True
    )


def address_line(address: Address) -> str:
    """House number and street in the order of the country."""
    parts = (address.number, address.street)
    if address.country.upper() not in _NUMBER_FIRST:
        parts = (address.street, address.number)
    return " ".join(part for part in parts if part)


def territory_of(session: Session, site: SiteAnswers) -> Territory | None:
    """The territory that serves a site; None outside the area.

    A site without coordinates goes to the territory of its postcode, or else to the first one.
    """
    if site.coordinates is not None:
        return planning.territory_at(session, site.coordinates)
    active = select(Territory).where(Territory.active).order_by(Territory.id).limit(1)
    neighbours = active.join(Site, Site.territory_id == Territory.id).where(Site.postcode == site.postcode)
    return (session.scalar(neighbours) if site.postcode else None) or session.scalar(active)


def branch_of(session: Session, service: Service) -> Branch | None:
    """Where the customer comes for a service at a branch; None for services elsewhere."""
    if service.place != Place.AT_BRANCH:
        return None
    first = select(Branch).join(Territory).where(Territory.active).order_by(Branch.id).limit(1)
    return service.branch or session.scalar(first)


def at_branch(branch: Branch, country: str) -> SiteAnswers:
    """The branch as the place of a visit."""
    return SiteAnswers(
        address=branch.address,
        country=country,
        coordinates=Coordinates(branch.lat, branch.lon),
        match=str(Match.EXACT),
        provider="branch",
        access_kind="branch",
    )
