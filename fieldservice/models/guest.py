"""Somebody who writes without a visit: from a social channel, or from the pages before booking."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, UtcDateTime

if TYPE_CHECKING:
    from fieldservice.models.conversation import Conversation
    from fieldservice.models.service import Service


class Guest(Base):
    """Who began a conversation that had no visit; it may have got one since.

    `address` is the name that the channel knows them by, or the token of the booking that they look at.
    """

    __tablename__ = "guest"
    __table_args__ = (
        Index("uq_guest_channel_address", "channel", "address", unique=True),
        Index("ix_guest_network", "network", "began_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    channel: Mapped[str] = mapped_column(String(10))
    address: Mapped[str] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(120), default="")
    service_id: Mapped[int | None] = mapped_column(ForeignKey("service.id"))
    locale: Mapped[str] = mapped_column(String(12), default="")
    network: Mapped[str | None] = mapped_column(String(64))  # hashed, as that of a draft
    began_at: Mapped[datetime] = mapped_column(UtcDateTime)

    conversation: Mapped[Conversation] = relationship(back_populates="guests")
    service: Mapped[Service | None] = relationship()
