"""Somebody calls: who they are, and the windows that can be promised while they are on the line."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, contains_eager

from fieldservice.booking.offer import STRIP
from fieldservice.geo.tables import TravelTables
from fieldservice.models import Customer, Site
from fieldservice.planning import service as planning
from fieldservice.planning.service import Slot

MOST_FOUND = 8
_DAYS_SHOWN = 3
_DIGITS = 4  # fewer are in too many numbers


def find_sites(session: Session, asked: str) -> Sequence[Site]:
    """The sites of the customers whom a name, an address or part of a phone number means, by name."""
    words = asked.split()
    if not words:
        return []
    digits = re.sub(r"\D", "", asked)
    named = [
        or_(
            Customer.name.icontains(word, autoescape=True),
            Site.address.icontains(word, autoescape=True),
            Site.city.icontains(word, autoescape=True),
            Site.postcode.startswith(word, autoescape=True),
        )
        for word in words
    ]
    called = len(digits) >= _DIGITS and not re.search(r"[^\W\d]", asked)
    who = Customer.phone.contains(digits) if called else named[0]
    query = select(Site).join(Site.customer).options(contains_eager(Site.customer)).where(who)
    if not called:
        query = query.where(*named[1:])
    return session.scalars(query.order_by(Customer.name, Site.id).limit(MOST_FOUND)).all()


@dataclass(frozen=True)
class Times:
    """The windows of the first days that have any, from a day on, and the zone that they are told in."""

    slots: tuple[Slot, ...]
    zone: ZoneInfo


def times(
    session: Session, ask: planning.Ask, not_before: date | None, *, now: datetime, tables: TravelTables
) -> Times:
    """What can be promised on the next three days that have a free window, of eight that are looked at."""
    days = [on for on in planning.offered_days(ask, now=now) if not_before is None or on >= not_before]
    offers = planning.slots(session, ask, days[:STRIP], now=now, tables=tables) if days else {}
    free = islice((offers[on].slots for on in days[:STRIP] if offers[on].slots), _DAYS_SHOWN)
    return Times(tuple(slot for slots in free for slot in slots), ask.territory.zone)
