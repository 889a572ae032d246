"""Where a technician is on the way to one customer, as long as they share it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from fieldservice.db import Base, UtcDateTime


class PositionSharing(Base):
    """A technician who shares their position while driving; without a row they do not."""

    __tablename__ = "position_sharing"

    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class DrivePosition(Base):
    """The last position on the way to a visit; a visit that nobody drives to has none."""

    __tablename__ = "drive_position"
    __table_args__ = (CheckConstraint("lat BETWEEN -90 AND 90 AND lon BETWEEN -180 AND 180", name="place"),)

    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), index=True)
    lat: Mapped[float]
    lon: Mapped[float]
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
