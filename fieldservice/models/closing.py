"""How a visit is closed: what has to be checked, what was found, what was used, and who signed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
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
    `parts`: name -> how many were used; `vans` says the same for each technician whose van they came from.
    Photos and the drawn signature are attachments of the visit.
    `said_at` is when the newest form was filled in: an older one that arrives later changes nothing.
    """

    __tablename__ = "visit_report"

    visit_id: Mapped[int] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"))
    checks: Mapped[dict[str, dict[str, Any]]] = mapped_column(JSON, default=dict)
    parts: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    vans: Mapped[dict[str, dict[str, int]]] = mapped_column(JSON, default=dict, server_default="{}")
    notes: Mapped[str] = mapped_column(Text, default="")
    said_at: Mapped[datetime] = mapped_column(UtcDateTime)
    signed_by: Mapped[str] = mapped_column(String(120), default="")
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def by_van(self) -> dict[int, dict[str, int]]:
        """Technician -> how many of each part came from their van; from before that was kept, who began."""
        if not self.vans and self.parts:
            return {self.technician_id: self.parts}
        return {int(number): parts for number, parts in self.vans.items()}

    def use(self, technician_id: int, parts: Mapping[str, int]) -> None:
        """Keep what came from one van beside what came from others."""
        vans = {**self.by_van, technician_id: {name: count for name, count in parts.items() if count}}
        self.vans = {str(number): used for number, used in vans.items() if used}
        together: Counter[str] = Counter()
        for used in vans.values():
            together.update(used)
        self.parts = dict(together)

    def beside(self, technician_id: int, offered: Container[str]) -> dict[str, int]:
        """What a form about one van leaves as it is: parts of other vans, and those not in `offered`."""
        together: Counter[str] = Counter()
        for number, used in self.by_van.items():
            for name, count in used.items():
                if number != technician_id or name not in offered:
                    together[name] += count
        return dict(together)


class VanPart(Base):
    """How many of a part are in a technician's van; below zero when more was used than the office knew of."""

    __tablename__ = "van_part"
    __table_args__ = (UniqueConstraint("technician_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    technician_id: Mapped[int] = mapped_column(ForeignKey("technician.id"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    quantity: Mapped[int] = mapped_column(default=0)
