"""What a customer says after a visit, and what they decide about their data."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, UtcDateTime

if TYPE_CHECKING:
    from fieldservice.models.visit import Visit


class FeedbackKind(StrEnum):
    """What the words of a customer are meant as."""

    COMPLIMENT = "compliment"
    COMPLAINT = "complaint"
    NEITHER = ""


class Feedback(Base):
    """How a customer found a visit; each can be said once and changed for a while."""

    __tablename__ = "feedback"
    __table_args__ = (CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), unique=True)
    rating: Mapped[int]
    points: Mapped[list[str]] = mapped_column(JSON, default=list)
    kind: Mapped[str] = mapped_column(String(12), default=FeedbackKind.NEITHER)
    body: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)

    visit: Mapped[Visit] = relationship(back_populates="feedback")


class Purpose(StrEnum):
    """What a customer may allow or refuse. Confirmations, changes and cancellations are part of the visit."""

    REMINDERS = "reminders"
    TEXTS = "texts"
    FEEDBACK = "feedback"
    OFFERS = "offers"


UNASKED = frozenset({Purpose.REMINDERS, Purpose.TEXTS, Purpose.FEEDBACK})
"""What a customer who booked a visit expects; everything else needs a yes."""


class Consent(Base):
    """One decision about one purpose of a work order's contact details; without a row the default holds."""

    __tablename__ = "consent"
    __table_args__ = (Index("uq_consent_work_order_id_purpose", "work_order_id", "purpose", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    work_order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"))
    purpose: Mapped[str] = mapped_column(String(20))
    given: Mapped[bool]
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AccessCode(Base):
    """A code that proves that somebody reads a visit's e-mail or phone; the code itself is not stored."""

    __tablename__ = "access_code"

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    nonce: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
