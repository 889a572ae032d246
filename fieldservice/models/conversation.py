"""What a customer and the office write to each other about a visit, on whichever channel."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from fieldservice.db import Base, UtcDateTime
from fieldservice.models.user import User

if TYPE_CHECKING:
    from fieldservice.models.guest import Guest
    from fieldservice.models.visit import Visit

LONGEST_MESSAGE = 2000
ANSWER_WITHIN = timedelta(hours=24)
"""How long a customer's question may wait."""


class Author(StrEnum):
    """Which side wrote."""

    CUSTOMER = "customer"
    OFFICE = "office"


class Channel(StrEnum):
    """Which way a message came, or went. Social channels have the names that the company gives them."""

    PAGE = "page"
    EMAIL = "email"
    SMS = "sms"
    VOICE = "voice"


class Conversation(Base):
    """The thread of one visit, or of a guest who has none yet.

    `waiting_since` is when the oldest question that nobody answered came.
    """

    __tablename__ = "conversation"
    __table_args__ = (Index("ix_conversation_waiting_since", "waiting_since"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), unique=True)
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    """Who of the office looks after it."""

    owner: Mapped[User | None] = relationship()
    visit: Mapped[Visit | None] = relationship(back_populates="conversation")
    guests: Mapped[list[Guest]] = relationship(back_populates="conversation", cascade="all, delete-orphan")
    messages: Mapped[list[ConversationMessage]] = relationship(
        back_populates="conversation", order_by="ConversationMessage.id", cascade="all, delete-orphan"
    )

    @property
    def answer_by(self) -> datetime | None:
        """Until when the office is to answer; None when nobody waits."""
        return self.waiting_since + ANSWER_WITHIN if self.waiting_since else None

    @property
    def last_channel(self) -> str:
        """On which channel the customer wrote last; the page before they wrote anything."""
        theirs = (message.channel for message in reversed(self.messages) if message.author == Author.CUSTOMER)
        return next(theirs, Channel.PAGE)

    def ask(self, body: str, *, channel: str, now: datetime, folded: str = "") -> ConversationMessage:
        """What the customer writes; from now on the office owes an answer."""
        self.waiting_since = self.waiting_since or now
        message = ConversationMessage(
            author=Author.CUSTOMER, body=body, folded=folded, channel=channel, at=now
        )
        return self._write(message)

    def answer(
        self, body: str, *, user_id: int, channel: str = Channel.PAGE, now: datetime
    ) -> ConversationMessage:
        """What the office writes; nobody waits any more."""
        self.waiting_since = None
        message = ConversationMessage(
            author=Author.OFFICE, body=body, channel=channel, at=now, user_id=user_id
        )
        return self._write(message)

    def add_note(self, body: str, *, channel: str, now: datetime) -> ConversationMessage:
        """What the product says by itself; a question waits for somebody nevertheless."""
        return self._write(ConversationMessage(author=Author.OFFICE, body=body, channel=channel, at=now))

    def settle(self) -> None:
        """Nothing has to be answered, for example after a thank-you or a call."""
        self.waiting_since = None

    def _write(self, message: ConversationMessage) -> ConversationMessage:
        self.messages.append(message)
        self.last_at = message.at
        return message


class ConversationMessage(Base):
    """One message of a conversation; `user_id` is who of the office wrote it."""

    __tablename__ = "conversation_message"
    __table_args__ = (CheckConstraint("author IN ('customer', 'office')", name="author"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    conversation_id: Mapped[int] = mapped_column(ForeignKey("conversation.id"), index=True)
    author: Mapped[str] = mapped_column(String(12))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    channel: Mapped[str] = mapped_column(String(12))
    body: Mapped[str] = mapped_column(Text)
    folded: Mapped[str] = mapped_column(
        Text, default="", server_default=""
    )  # quotes and signature of an e-mail
    at: Mapped[datetime] = mapped_column(UtcDateTime)

    conversation: Mapped[Conversation] = relationship(back_populates="messages")
    user: Mapped[User | None] = relationship()
