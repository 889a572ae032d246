"""What is to be sent and what is to be computed: rows that survive every killed process."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from fieldservice.db import Base, UtcDateTime

_LONGEST_KEY = 120
_REQUESTER = "requester"


class MessageState(StrEnum):
    """Where an outbox message is on its way."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    UNKNOWN = "unknown"  # handed over, and nobody said what became of it
    DEAD = "dead"
    CANCELLED = "cancelled"


class OutboxMessage(Base):
    """One message on one channel, written in the transaction that causes it, sent later at least once.

    `mail_id` is the first half of an e-mail's Message-ID, by which answers and bounces are recognised.
    """

    __tablename__ = "outbox_message"
    __table_args__ = (
        Index(
            "ix_outbox_message_due",
            "next_at",
            "id",
            postgresql_where=text("state IN ('pending', 'sending')"),
            sqlite_where=text("state IN ('pending', 'sending')"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(String(_LONGEST_KEY), unique=True)
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), index=True)  # None: a visitor's code
    promise_version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(30))
    channel: Mapped[str] = mapped_column(String(10))
    recipient: Mapped[str] = mapped_column(String(254))
    role: Mapped[str] = mapped_column(String(14), default=_REQUESTER, server_default=_REQUESTER)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(12), default=MessageState.PENDING)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime] = mapped_column(UtcDateTime)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str] = mapped_column(String(80), default="")
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str] = mapped_column(Text, default="")
    sent_subject: Mapped[str] = mapped_column(Text, default="", server_default="")
    sent_text: Mapped[str] = mapped_column(Text, default="", server_default="")  # without the private link
    mail_id: Mapped[str] = mapped_column(String(32), default="", server_default="", index=True)


def new_message(
    occasion: str,
    kind: str,
    channel: str,
    recipient: str,
    *,
    role: str,
    payload: Mapping[str, Any] | None = None,
) -> OutboxMessage:
    """A message of an occasion to one person; to others than the requester it has a key of its own."""
    own = "" if role == _REQUESTER else f"{role}-{recipient}"
    parts = (occasion, kind, channel, (payload or {}).get("occasion", ""), own)
    key = ":".join(part for part in parts if part)
    return OutboxMessage(
        dedupe_key=key if len(key) <= _LONGEST_KEY else hashlib.sha256(key.encode()).hexdigest(),
        kind=kind,
        channel=channel,
        recipient=recipient,
        role=role,
        payload=dict(payload or {}),
        state=MessageState.PENDING,
    )


class JobState(StrEnum):
    """Where a background job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job(Base):
    """A background job; the row is the truth, a broker's message only a hint."""

    __tablename__ = "job"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(30))
    dedupe_key: Mapped[str] = mapped_column(String(160), unique=True)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(12), default=JobState.QUEUED, index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str] = mapped_column(String(80), default="")
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    progress: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    result: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    error: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(80), default="")
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
