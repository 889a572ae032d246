"""Photos and documents that belong to a visit, or to a booking that is being made."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, UtcDateTime

if TYPE_CHECKING:
    from fieldservice.models.visit import Visit


class ScanState(StrEnum):
    """What is known about viruses in a file; OFF is that nobody looks."""

    OFF = "off"
    WAITING = "waiting"
    CLEAN = "clean"
    INFECTED = "infected"
    FAILED = "failed"


class Attachment(Base):
    """One file of a visit, or of a draft by its token, also before the draft has begun.

    `key` and `small_key` name what the file store holds. `name` is what the file was called where it came
    from, and `caption` what it shows; `question` is the code of the intake question that it answers.
    `about` says what the technician's own files show: before, after, check (`item` of a checklist),
    signature, or cannot (why a visit could not be done); it is empty for what the customer sent.
    `sent_sha256` is the checksum of what was sent, from which the stored file, of `size` bytes and with the
    checksum `sha256`, may have been made.
    """

    __tablename__ = "attachment"
    __table_args__ = (
        CheckConstraint("(draft_token IS NULL) != (visit_id IS NULL)", name="one_owner"),
        CheckConstraint("scan_state IN ('off', 'waiting', 'clean', 'infected', 'failed')", name="scan_state"),
        Index("ix_attachment_scan_state_scan_after", "scan_state", "scan_after"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(32), unique=True)
    small_key: Mapped[str | None] = mapped_column(String(32), unique=True)
    draft_token: Mapped[str | None] = mapped_column(String(64), index=True)
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), index=True)
    question: Mapped[str] = mapped_column(String(60), default="")
    about: Mapped[str] = mapped_column(String(10), default="", server_default="")
    item: Mapped[str] = mapped_column(String(101), default="", server_default="")
    caption: Mapped[str] = mapped_column(String(200), default="")
    name: Mapped[str] = mapped_column(String(120))
    media_type: Mapped[str] = mapped_column(String(40))
    size: Mapped[int]
    width: Mapped[int | None]
    height: Mapped[int | None]
    sha256: Mapped[str] = mapped_column(String(64))
    sent_sha256: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    scan_state: Mapped[str] = mapped_column(String(10), default=ScanState.OFF)
    scan_after: Mapped[datetime | None] = mapped_column(UtcDateTime)
    scan_attempts: Mapped[int] = mapped_column(default=0)

    visit: Mapped[Visit | None] = relationship()

    @property
    def is_photo(self) -> bool:
        """Whether it can be shown as a picture."""
        return self.small_key is not None

    @property
    def keys(self) -> tuple[str, ...]:
        """What the file store holds of it."""
        return (self.key, self.small_key) if self.small_key else (self.key,)

    @property
    def shown_to_others(self) -> bool:
        """Whether anybody but the one who sent it may open it."""
        return self.scan_state in (ScanState.OFF, ScanState.CLEAN)

    @property
    def harmful(self) -> bool:
        """Whether nobody may open it."""
        return self.scan_state == ScanState.INFECTED
