"""The equipment at a site, as technicians noted it at their visits."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldservice.db import Base, UtcDateTime


class VisitAsset(Base):
    """A piece of equipment that was seen at a visit; noted otherwise at the same visit, it has both rows.

    The same piece of other visits has the same serial number, or without one the same name, make and model.
    """

    __tablename__ = "visit_asset"

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"))
    name: Mapped[str] = mapped_column(String(120))
    make: Mapped[str] = mapped_column(String(80), default="")
    model: Mapped[str] = mapped_column(String(80), default="")
    serial: Mapped[str] = mapped_column(String(80), default="")
    said_at: Mapped[datetime] = mapped_column(UtcDateTime)

    @property
    def words(self) -> tuple[str, ...]:
        """What was noted, however it was written."""
        return tuple(part.casefold() for part in (self.name, self.make, self.model, self.serial))

    @property
    def same_as(self) -> tuple[str, ...]:
        """What tells it from other pieces of the site."""
        parts = (self.serial,) if self.serial else (self.name, self.make, self.model)
        return tuple(part.casefold() for part in parts)
