"""Whom the company serves, and where."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, UtcDateTime
from fieldservice.models.user import User


class CustomerKind(StrEnum):
    """What a customer is to the company. An internal one is a part of it and gives a cost centre."""

    PRIVATE = "private"
    BUSINESS = "business"
    INTERNAL = "internal"


class Customer(Base):
    """A person or a business that is served."""

    __tablename__ = "customer"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254), default="", index=True)
    phone: Mapped[str] = mapped_column(String(32), default="", index=True)
    locale: Mapped[str] = mapped_column(String(16), default="en_US")
    kind: Mapped[str] = mapped_column(
        String(10), default=CustomerKind.PRIVATE, server_default=CustomerKind.PRIVATE
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(default=1)

    sites: Mapped[list[Site]] = relationship(back_populates="customer", order_by="Site.id")

    __mapper_args__ = {"version_id_col": version}


class Site(Base):
    """An address with coordinates and access notes. Without coordinates it is a dispatcher's task."""

    __tablename__ = "site"
    __table_args__ = (CheckConstraint("(lat IS NULL) = (lon IS NULL)", name="coordinates"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customer.id"), index=True)
    territory_id: Mapped[int | None] = mapped_column(ForeignKey("territory.id"), index=True)
    address: Mapped[str] = mapped_column(String(300))
    unit: Mapped[str] = mapped_column(String(60), default="")
    city: Mapped[str] = mapped_column(String(120), default="")
    postcode: Mapped[str] = mapped_column(String(20), default="")
    country: Mapped[str] = mapped_column(String(2), default="US")
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    geocoded_by: Mapped[str] = mapped_column(String(40), default="")
    geocode_match: Mapped[str] = mapped_column(String(20), default="")
    geocode_score: Mapped[float | None]
    geocoded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pin_set_by_person: Mapped[bool] = mapped_column(default=False)
    access_kind: Mapped[str] = mapped_column(String(20), default="home")
    access_notes: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)

    customer: Mapped[Customer] = relationship(back_populates="sites")

    __mapper_args__ = {"version_id_col": version}

    @property
    def one_line(self) -> str:
        """The address as one line of text, for somebody who goes there."""
        return ", ".join(part for part in (self.address, self.unit, self._town) if part)

    @property
    def written(self) -> str:
        """The address as a geocoder is asked for it: without the unit."""
        return ", ".join(part for part in (self.address, self._town) if part)

    @property
    def _town(self) -> str:
        return f"{self.city} {self.postcode}".strip()

    @property
    def located(self) -> bool:
        """Whether coordinates are known."""
        return self.lat is not None


class Role(StrEnum):
    """What a contact is to a work order."""

    REQUESTER = "requester"
    SITE_CONTACT = "site_contact"
    PAYER = "payer"


class ContactRole(Base):
    """A person's part in one work order, with the address to reach them as it was given then."""

    __tablename__ = "contact_role"
    __table_args__ = (Index("uq_contact_role_work_order_id_role", "work_order_id", "role", unique=True),)

    id: Mapped[int] = mapped_column(primary_key=True)
    work_order_id: Mapped[int] = mapped_column(ForeignKey("work_order.id"))
    role: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(120))
    email: Mapped[str] = mapped_column(String(254), default="", index=True)
    phone: Mapped[str] = mapped_column(String(32), default="", index=True)
    address: Mapped[str] = mapped_column(String(300), default="", server_default="")  # of a payer
    reference: Mapped[str] = mapped_column(String(80), default="", server_default="")  # a payer's own


class OfficeTask(Base):
    """Something the office has to do by hand, such as finding an address or answering a complaint."""

    __tablename__ = "office_task"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), index=True)
    conversation_id: Mapped[int | None] = mapped_column(ForeignKey("conversation.id"), index=True)
    """With somebody who has no visit; a conversation that gets one hands its tasks over to it."""
    detail: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    owner: Mapped[User | None] = relationship(foreign_keys=[owner_id])
