"""What comes in on a channel, which numbers want no texts, and which addresses do not work."""

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
    CHANGE = "change"  # wants another time: told how, and in the conversation
    ASKED = "asked"  # it is in the conversation of a visit
    AUTOMATIC = "automatic"  # a robot wrote it: kept, and nobody has to answer
    BOUNCED = "bounced"  # what we sent could not be delivered
    REFUSED = "refused"  # somebody called what we sent unwanted
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


class Unreachable(Base):
    """An address or number to which nothing is sent any more: it does not exist, or its owner complained."""

    __tablename__ = "unreachable"

    channel: Mapped[str] = mapped_column(String(12), primary_key=True)
    address: Mapped[str] = mapped_column(String(254), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(UtcDateTime)
