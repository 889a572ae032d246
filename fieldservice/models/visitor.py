"""Visitors who have no visit: codes that prove an address, signs of abuse, solved puzzles."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from fieldservice.db import Base, UtcDateTime


class CodePurpose(StrEnum):
    """What somebody who enters a code gets."""

    RETURNING = "returning"  # what is known of them from earlier visits
    GUARD = "guard"  # the right to go on with a booking while there is abuse


class VisitorCode(Base):
    """A code that proves that somebody reads an e-mail address or a phone.

    Neither the code nor the address is stored: the code is made again from the nonce, and the address is
    hashed with the secret key. `work_order_id` is the newest order of a returning customer, None when nobody
    is known by the address; nothing that a visitor sees depends on it.
    """

    __tablename__ = "visitor_code"
    __table_args__ = (Index("ix_visitor_code_address_hash", "address_hash", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(12))
    channel: Mapped[str] = mapped_column(String(10))
    address_hash: Mapped[str] = mapped_column(String(64))
    nonce: Mapped[str] = mapped_column(String(64))
    draft_id: Mapped[int | None] = mapped_column(ForeignKey("booking_draft.id", ondelete="SET NULL"))
    work_order_id: Mapped[int | None] = mapped_column(ForeignKey("work_order.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AbuseSign(Base):
    """Something that only abuse does, and the hashed network that it came from."""

    __tablename__ = "abuse_sign"
    __table_args__ = (Index("ix_abuse_sign_network", "network", "at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    network: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class SpentPuzzle(Base):
    """A puzzle whose solution was used; it counts once, and is forgotten when it would have run out."""

    __tablename__ = "spent_puzzle"

    challenge: Mapped[str] = mapped_column(String(64), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
