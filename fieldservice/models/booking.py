"""A customer's way to a visit: the draft before it exists, the private link afterwards."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, UtcDateTime
from fieldservice.models.plan import Hold

if TYPE_CHECKING:
    from fieldservice.models.visit import Visit


class PrivateLink(Base):
    """A customer's way to one visit without an account; the token itself is not stored."""

    __tablename__ = "private_link"

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    nonce: Mapped[str] = mapped_column(String(64))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    visit: Mapped[Visit] = relationship(back_populates="links")


class BookingDraft(Base):
    """The answers of a customer who has not confirmed yet; its token is in the address of the page."""

    __tablename__ = "booking_draft"
    __table_args__ = (Index("ix_booking_draft_network", "network", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    answers: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"))
    network: Mapped[str | None] = mapped_column(String(64))  # hashed: whose drafts are counted together
    passed: Mapped[int] = mapped_column(default=0)  # the highest guard that its customer has passed
    version: Mapped[int] = mapped_column(default=1)

    visit: Mapped[Visit | None] = relationship()
    hold: Mapped[Hold | None] = relationship()

    __mapper_args__ = {"version_id_col": version}
