"""What a technician chose on the phone."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldservice.db import Base


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
