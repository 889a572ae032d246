"""Who waits for a window that is not free yet, what they were offered, and where we do not come yet."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, UtcDateTime
from fieldservice.models.window import Window

if TYPE_CHECKING:
    from fieldservice.models.service import Service
    from fieldservice.models.visit import Visit


class WaitingState(StrEnum):
    """What became of somebody on the waiting list."""

    WAITING = "waiting"
    TAKEN = "taken"  # an offered window
    LEFT = "left"  # of their own accord
    OVER = "over"  # there is nothing to wait for any more


class OfferState(StrEnum):
    """What became of an offer."""

    OPEN = "open"
    TAKEN = "taken"
    DECLINED = "declined"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"  # the office found a place, or took it back


class WaitingEntry(Base):
    """A visit whose customer waits: for any window at all, or for one before the one they have.

    `seen` are the starts of the windows that were free when somebody last looked: only what was not among
    them is a gap that has appeared. `looked` says what was looked at, so that nothing is looked at twice.
    """

    __tablename__ = "waiting_entry"
    __table_args__ = (Index("ix_waiting_entry_state_joined_at", "state", "joined_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), unique=True)
    any_time: Mapped[bool]
    state: Mapped[str] = mapped_column(String(10), default=WaitingState.WAITING)
    seen: Mapped[list[str]] = mapped_column(JSON, default=list)
    looked: Mapped[str] = mapped_column(String(64), default="")
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)

    visit: Mapped[Visit] = relationship()
    offers: Mapped[list[WaitingOffer]] = relationship(back_populates="entry", order_by="WaitingOffer.id")

    @property
    def open_offer(self) -> WaitingOffer | None:
        """The offer that nobody has answered yet; it may have run out."""
        return next((offer for offer in self.offers if offer.state == OfferState.OPEN), None)


class WaitingOffer(Base):
    """A window that is reserved for somebody on the waiting list until `expires_at`, once for each window."""

    __tablename__ = "waiting_offer"
    __table_args__ = (
        CheckConstraint("window_starts_at < window_ends_at", name="window"),
        UniqueConstraint("entry_id", "window_starts_at"),
        Index("ix_waiting_offer_state_expires_at", "state", "expires_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    entry_id: Mapped[int] = mapped_column(ForeignKey("waiting_entry.id"))
    window_starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    window_ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(10), default=OfferState.OPEN)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)

    entry: Mapped[WaitingEntry] = relationship(back_populates="offers")


class WindowOffer(Base):
    """Windows among which the office lets a customer choose; all are reserved until `expires_at`.

    `windows` are pairs of instants. The promise of the visit stands until one is taken.
    """

    __tablename__ = "window_offer"
    __table_args__ = (Index("ix_window_offer_state_expires_at", "state", "expires_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    windows: Mapped[list[list[str]]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(10), default=OfferState.OPEN)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    asked_by: Mapped[str] = mapped_column(String(80))

    visit: Mapped[Visit] = relationship()

    @property
    def choices(self) -> tuple[Window, ...]:
        """The windows, in order of time."""
        return tuple(Window(*map(datetime.fromisoformat, each)) for each in self.windows)


AREA_OPEN = "area_open"
"""The kind of the message that a territory was opened or widened to where somebody is."""


class AreaWish(Base):
    """Somebody outside every territory who wants to know when we come there; the place is kept coarse."""

    __tablename__ = "area_wish"
    __table_args__ = (UniqueConstraint("email", "service_id", "city", "postcode"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    city: Mapped[str] = mapped_column(String(120), default="")
    postcode: Mapped[str] = mapped_column(String(20), default="")
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    locale: Mapped[str] = mapped_column(String(16))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    service: Mapped[Service] = relationship()
