"""What technicians say about their time: how long they worked, and when they wish to be away."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, Duration, UtcDateTime
from fieldservice.models.workforce import Technician


class HoursCorrection(Base):
    """What a day's hours really were, beside those that the taps say; of several the newest counts."""

    __tablename__ = "hours_correction"
    __table_args__ = (
        CheckConstraint("starts_at < ends_at AND pause >= 0", name="hours"),
        Index("ix_hours_correction_technician_id_on", "technician_id", "on"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"))
    on: Mapped[date]
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    pause: Mapped[timedelta] = mapped_column(Duration)
    reason: Mapped[str] = mapped_column(String(200))
    said_at: Mapped[datetime] = mapped_column(UtcDateTime)
    event_key: Mapped[str] = mapped_column(String(64), unique=True)


class WishKind(StrEnum):
    """What a technician wishes."""

    AWAY = "away"
    HOURS = "hours"


class WishState(StrEnum):
    """What became of it."""

    ASKED = "asked"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ShiftWish(Base):
    """A technician asks to be away, or to work at other hours, on some days; the office decides."""

    __tablename__ = "shift_wish"
    __table_args__ = (
        CheckConstraint("kind IN ('away', 'hours')", name="kind"),
        CheckConstraint("state IN ('asked', 'approved', 'refused', 'withdrawn')", name="state"),
        CheckConstraint("first_on <= last_on", name="days"),
        CheckConstraint(
            "kind = 'away' OR (starts IS NOT NULL AND ends IS NOT NULL AND starts < ends)", name="hours"
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    first_on: Mapped[date]
    last_on: Mapped[date]
    starts: Mapped[time | None]
    ends: Mapped[time | None]
    words: Mapped[str] = mapped_column(String(300), default="")
    state: Mapped[str] = mapped_column(String(10), default=WishState.ASKED)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    event_key: Mapped[str] = mapped_column(String(64), unique=True)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    answer: Mapped[str] = mapped_column(String(300), default="")

    technician: Mapped[Technician] = relationship()
