"""Visits that a dispatcher has tied together: their order, the time between, one technician for both."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldservice.db import Base, Duration, UtcDateTime


class VisitLink(Base):
    """`visit_id` begins after the end of `after_id`: at least `min_lag` later, at most `max_lag` if given."""

    __tablename__ = "visit_link"
    __table_args__ = (
        UniqueConstraint("visit_id", "after_id"),
        CheckConstraint("visit_id <> after_id", name="two_visits"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"))
    after_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    min_lag: Mapped[timedelta] = mapped_column(Duration)
    max_lag: Mapped[timedelta | None] = mapped_column(Duration)
    same_technician: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
