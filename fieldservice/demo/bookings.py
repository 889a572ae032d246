"""Customers of the made-up company, who book as the web page does: through the booking service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldservice.booking import service as booking
from fieldservice.booking.drafts import Contact, SiteAnswers
from fieldservice.booking.new_visits import company_of
from fieldservice.demo.catalogue import ACCESS_NOTES, FIRST_NAMES, LAST_NAMES, OFFERS, Offer, Size
from fieldservice.demo.people import addresses
from fieldservice.geo.address import Address
from fieldservice.geo.manifest import Manifest
from fieldservice.geo.types import TravelTable
from fieldservice.models import Place, Service, Territory, Window
from fieldservice.planning.rows import load_day
from fieldservice.planning.service import SlotTaken
from fieldservice.planning.travel import with_travel
from fieldservice.planning.windows import offered_windows
from fieldservice.web import Services

_SEED = 20
_SPARE = 60  # addresses for customers for whom no technician has time in any window


class Customers:
    """A line of customers with addresses, problems and wishes; the same map gives the same line."""

    def __init__(self, services: Services, manifest: Manifest, territory_id: int, size: Size) -> None:
        self._services, self._territory_id = services, territory_id
        self._draw = Random(_SEED)  # noqa: S311
        count = size.visits_today + size.later_visits + _SPARE
        self._addresses = addresses(services, manifest, count, _SEED)
        self._company = company_of(services.settings)
        self._number = 0

    def book(self, on: date, count: int, *, as_of: datetime) -> int:
        """Book visits on a day until `count` are promised; returns how many were, when addresses run out."""
        places = [address.coordinates for address in self._addresses]
        return with_travel(
            self._services.db,
            self._services.tables,
            self._territory_id,
            [on],
            places,
            now=as_of,
            work=lambda tables: self._book(on, count, tables, as_of),
        )

    def ask_the_office(self, *, as_of: datetime) -> None:
        """Two requests that the office has to finish: an address nobody finds, and no window that suits."""
        known = self._addresses.pop()
        lost = SiteAnswers(address="The old mill behind the bridge", city=known.city)
        for site in (lost, _site(known, "")):
            self._request(site, self._draw.choice(OFFERS[:2]), as_of)

    def _request(self, site: SiteAnswers, offer: Offer, now: datetime) -> None:
        def work(session: Session) -> None:
            answers = self._answers(
                session, offer, site, self._contact(), offer.symptoms[0], offer.problems[0]
            )
            booking.request(session, answers, company=self._company, now=now)

        self._services.db.run(work)

    def _book(self, on: date, count: int, tables: Mapping[date, TravelTable], as_of: datetime) -> int:
        windows = self._windows(on, as_of)
        booked = 0
        while booked < count and self._addresses:
            as_of += timedelta(seconds=10)
            booked += self._one(self._addresses.pop(), windows, tables, as_of)
        return booked

    def _windows(self, on: date, as_of: datetime) -> list[Window]:
        with self._services.db.reading() as session:
            rows = load_day(session, session.get_one(Territory, self._territory_id), on, now=as_of)
            service = session.scalars(select(Service).where(Service.code == OFFERS[0].code)).one()
            return offered_windows(service, rows)

    def _one(
        self, address: Address, windows: list[Window], tables: Mapping[date, TravelTable], now: datetime
    ) -> bool:
        """Book the first wish that a technician can keep: any window for one service, then for another."""
        offers = [offer for offer in OFFERS if offer.place == Place.ON_SITE]
        contact, notes = self._contact(), self._draw.choice(ACCESS_NOTES)
        for offer in self._draw.sample(offers, k=2):
            for window in self._draw.sample(windows, k=len(windows)):
                try:
                    self._wish(offer, window, _site(address, notes), contact, tables, now)
                except SlotTaken:
                    continue
                return True
        return False

    def _wish(
        self,
        offer: Offer,
        window: Window,
        site: SiteAnswers,
        contact: Contact,
        tables: Mapping[date, TravelTable],
        now: datetime,
    ) -> None:
        symptom, problem = self._draw.choice(offer.symptoms), self._draw.choice(offer.problems)

        def work(session: Session) -> None:
            answers = self._answers(session, offer, site, contact, symptom, problem)
            answers = replace(answers, window=window)
            booking.book(session, answers, company=self._company, tables=tables, now=now)

        self._services.db.run(work)

    def _answers(
        self,
        session: Session,
        offer: Offer,
        site: SiteAnswers,
        contact: Contact,
        symptom: str,
        problem: str,
    ) -> booking.Answers:
        return booking.Answers(
            service=session.scalars(select(Service).where(Service.code == offer.code)).one(),
            territory=session.get_one(Territory, self._territory_id),
            site=site,
            requester=contact,
            problem=problem,
            questions={"symptoms": [symptom]},
        )

    def _contact(self) -> Contact:
        self._number += 1
        first, last = self._draw.choice(FIRST_NAMES), self._draw.choice(LAST_NAMES)
        email = f"{first}.{last}.{self._number}@example.com".lower()
        return Contact(name=f"{first} {last}", email=email, phone=f"+1410555{self._number % 10_000:04d}")


def _site(address: Address, notes: str) -> SiteAnswers:
    return SiteAnswers(
        address=f"{address.number} {address.street}",
        city=address.city,
        postcode=address.postcode,
        country=address.country or "US",
        coordinates=address.coordinates,
        match=address.match,
        score=address.score,
        provider=address.provider,
        access_notes=notes,
    )
