"""What a technician chose on the phone, and what they know of their route."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldservice.db import Base, UtcDateTime


class Navigation(StrEnum):
    """An application that leads the way."""

    GOOGLE = "google"
    APPLE = "apple"
    WAZE = "waze"
    OSM = "osm"
    GEO = "geo"  # whatever the phone opens for a `geo:` address


class PhoneChoice(Base):
    """The application in which a technician's directions open; without a row it was not chosen yet."""

    __tablename__ = "phone_choice"
    __table_args__ = (
        CheckConstraint("navigation IN ('google', 'apple', 'waze', 'osm', 'geo')", name="navigation"),
    )

    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), primary_key=True)
    navigation: Mapped[str] = mapped_column(String(10))


class RouteSeen(Base):
    """What a technician knows of their route of a day: as it was sent out, or as they last said "Got it" to.

    `visits` are [number, start of the promised window or ""] in the order of the route.
    """

    __tablename__ = "route_seen"

    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), primary_key=True)
    on: Mapped[date] = mapped_column(primary_key=True)
    visits: Mapped[list[list[Any]]] = mapped_column(JSON)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
