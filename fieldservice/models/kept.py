"""Work that was done while the plan changed: as the phone sent it, until somebody of the office decides."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, UtcDateTime

if TYPE_CHECKING:
    from fieldservice.models.user import User
    from fieldservice.models.visit import Visit
    from fieldservice.models.workforce import Technician


class KeptDecision(StrEnum):
    """What the office decided: the work counts, or the plan stays as it is."""

    COUNTS = "counts"
    STAYS = "stays"


class KeptWork(Base):
    """One item of a phone's outbox that the server had refused.

    `fields` are the form's, as sent: [[name, value]]. `tapped_at` is by the server's clock, `phone_at` by the
    phone's own. `file_key` names the file that came along in the file store, `sha256` is of what was sent.
    """

    __tablename__ = "kept_work"
    __table_args__ = (
        CheckConstraint("(decided_at IS NULL) = (decision = '')", name="decided"),
        CheckConstraint("decision IN ('', 'counts', 'stays')", name="decision"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[str] = mapped_column(String(36), unique=True)
    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), index=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"))
    kind: Mapped[str] = mapped_column(String(30))
    label: Mapped[str] = mapped_column(String(200))
    fields: Mapped[list[list[str]]] = mapped_column(JSON)
    status: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    tapped_at: Mapped[datetime] = mapped_column(UtcDateTime)
    phone_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    file_key: Mapped[str | None] = mapped_column(String(32), unique=True)
    file_name: Mapped[str] = mapped_column(String(120), default="")
    sha256: Mapped[str] = mapped_column(String(64), default="")
    decision: Mapped[str] = mapped_column(String(10), default="")
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))

    visit: Mapped[Visit] = relationship()
    technician: Mapped[Technician] = relationship()
    decided_by: Mapped[User | None] = relationship()

    def value(self, name: str) -> Any:
        """What the form said in a field; empty for none."""
        return next((value for field, value in self.fields if field == name), "")
