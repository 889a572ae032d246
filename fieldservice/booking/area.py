"""Those who would be customers if we came to where they live: an e-mail address and a rough place."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldservice.booking.drafts import SiteAnswers
from fieldservice.db import lock_names
from fieldservice.models import AreaWish, Service

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
