"""Those who would be customers if we came to where they live: an e-mail address and a rough place."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.booking.drafts import SiteAnswers
from fieldservice.db import Database, lock_names
from fieldservice.geo.estimate import crow_metres
from fieldservice.geo.types import Coordinates
from fieldservice.models import AreaWish, MessageState, OutboxMessage, Service, Territory
from fieldservice.models.waiting import AREA_OPEN
from fieldservice.sweeps import each

SURE_M = 1_000
"""So far inside a territory the rough place of a wish has to be: whoever is told is served for certain."""
_ROUGH = 2  # decimals of a degree: about a kilometre


def wish_for_area(
    session: Session, email: str, service: Service, site: SiteAnswers, *, locale: str, now: datetime
) -> None:
    """Remember who wants us to come there, once for each service and town."""
    lock_names(session, [f"area wish {email}"])
    same = (
        AreaWish.email == email,
        AreaWish.service_id == service.id,
        AreaWish.city == site.city,
        AreaWish.postcode == site.postcode,
    )
    if session.scalar(select(AreaWish.id).where(*same)) is not None:
        return
    at = site.coordinates
    session.add(
        AreaWish(
            email=email,
            service_id=service.id,
            city=site.city,
            postcode=site.postcode,
            lat=round(at.lat, _ROUGH) if at else None,
            lon=round(at.lon, _ROUGH) if at else None,
            locale=locale,
            created_at=now,
        )
    )


def wishes_by_town(session: Session) -> list[tuple[str, str, int]]:
    """City, ZIP code and how many people want us there, the most wanted first."""
    people = func.count(func.distinct(AreaWish.email))
    rows = session.execute(
        select(AreaWish.city, AreaWish.postcode, people)
        .group_by(AreaWish.city, AreaWish.postcode)
        .order_by(people.desc(), AreaWish.city, AreaWish.postcode)
    )
    return [(city, postcode, count) for city, postcode, count in rows]


def tell_all(db: Database, *, now: datetime) -> int:
    """Tell those who asked, once each, that a territory was opened or widened to where they are.

    Killed in the middle it goes on at the next run.
    """
    with db.reading() as session:
        territories = session.scalars(select(Territory).where(Territory.active)).all()
        waiting = session.scalars(select(AreaWish).where(AreaWish.told_at.is_(None)).order_by(AreaWish.id))
        served = [wish.id for wish in waiting if _serves(territories, wish)]
    return sum(each(served, lambda wish_id: db.run(partial(_tell, wish_id=wish_id, now=now))))


def _serves(territories: Sequence[Territory], wish: AreaWish) -> bool:
    if wish.lat is None or wish.lon is None:
        return False
    at = Coordinates(wish.lat, wish.lon)
    return any(
        crow_metres(at, Coordinates(each.centre_lat, each.centre_lon)) <= each.radius_m - SURE_M
        for each in territories
    )


def _tell(session: Session, *, wish_id: int, now: datetime) -> bool:
    """One message for all that somebody asked for; after it, or another run's, there is nothing to do."""
    asked = session.get(AreaWish, wish_id)
    if asked is None:
        return False
    email = asked.email
    lock_names(session, [f"area wish {email}"])
    territories = session.scalars(select(Territory).where(Territory.active)).all()
    untold = select(AreaWish).where(AreaWish.email == email, AreaWish.told_at.is_(None))
    mine = session.scalars(untold.execution_options(populate_existing=True)).all()
    served = [wish for wish in mine if _serves(territories, wish)]
    for wish in served:
        wish.told_at = now
    if served:
        session.add(
            OutboxMessage(
                dedupe_key=f"{AREA_OPEN}:{served[0].id}",
                promise_version=0,
                kind=AREA_OPEN,
                channel="email",
                recipient=email,
                payload={"locale": served[0].locale},
                state=MessageState.PENDING,
                due_at=now,
                next_at=now,
            )
        )
    return bool(served)
