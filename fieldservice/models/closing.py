"""How a visit is closed: what has to be checked, what was found, what was used, and who signed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from fieldservice.db import Base, UtcDateTime


class CheckKind(StrEnum):
    """How an item of a checklist is answered."""

    TICK = "tick"
    NUMBER = "number"
    CHOICE = "choice"
    TEXT = "text"
    PHOTO = "photo"  # with a file: see `Attachment.about`


class ChecklistItem(Base):
    """Something that the technician checks before a visit of the service is done."""

    __tablename__ = "checklist_item"
    __table_args__ = (
        UniqueConstraint("service_id", "code"),
        CheckConstraint("kind IN ('tick', 'number', 'choice', 'text', 'photo')", name="kind"),
        CheckConstraint("least IS NULL OR most IS NULL OR least <= most", name="bounds"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_id: Mapped[int] = mapped_column(ForeignKey("service.id"))
    code: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(10))
    label: Mapped[str] = mapped_column(String(200))
    hint: Mapped[str] = mapped_column(String(200), default="")
    unit: Mapped[str] = mapped_column(String(20), default="")
    least: Mapped[int | None]
    most: Mapped[int | None]
    required: Mapped[bool] = mapped_column(default=False)
    options: Mapped[list[str]] = mapped_column(JSON, default=list)
    position: Mapped[int] = mapped_column(default=0)


class VisitReport(Base):
    """What the technician wrote down at a visit.

    `checks`: "service code/item code" -> {"label", "kind", "unit", "answer"}, in the office's words of then.
    `parts`: name -> how many were used. Photos and the drawn signature are attachments of the visit.
    `said_at` is when the newest form was filled in: an older one that arrives later changes nothing.
    """

    __tablename__ = "visit_report"

    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"))
    checks: Mapped[dict[str, dict[str, Any]]] = mapped_column(JSON, default=dict)
    parts: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    notes: Mapped[str] = mapped_column(Text, default="")
    said_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_by: Mapped[str] = mapped_column(String(120), default="")
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class VanPart(Base):
    """How many of a part are in a technician's van; below zero when more was used than the office knew of."""

    __tablename__ = "van_part"
    __table_args__ = (UniqueConstraint("technician_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    quantity: Mapped[int] = mapped_column(default=0)
