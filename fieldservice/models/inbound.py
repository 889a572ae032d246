"""What customers send by themselves on a channel, and which numbers want no texts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from fieldservice.db import Base, UtcDateTime


class Outcome(StrEnum):
    """What was made of an inbound message."""

    STOPPED = "stopped"
    STARTED = "started"
    CONFIRMED = "confirmed"
    ASKED = "asked"  # it is in the conversation of a visit
    UNKNOWN = "unknown"  # nobody here has this number: a task of the office


class InboundMessage(Base):
    """One message as it came, once for each name that its provider gave it: the proof of a STOP, too."""

    __tablename__ = "inbound_message"
    __table_args__ = (
        Index("uq_inbound_message_channel_provider_key", "channel", "provider_key", unique=True),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[str] = mapped_column(String(12))
    provider_key: Mapped[str] = mapped_column(String(120))
    sender: Mapped[str] = mapped_column(String(254), index=True)
    body: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), index=True)
    outcome: Mapped[str] = mapped_column(String(12))


class TextStop(Base):
    """A number that wants no texts, whoever books with it, until START comes from it."""

    __tablename__ = "text_stop"

    phone: Mapped[str] = mapped_column(String(32), primary_key=True)
    stopped_at: Mapped[datetime] = mapped_column(UtcDateTime)
    inbound_message_id: Mapped[int] = mapped_column(ForeignKey("inbound_message.id"))
