"""What a customer was told about cancelling a visit: until when it is free, what it costs from then on."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from fieldservice.db import UtcDateTime
from fieldservice.models.service import Service

CUSTOMER = "customer"
"""The actor of what a customer does by themselves."""

THINK = timedelta(hours=1)
"""How long a window that was promised shortly before it begins can be given back for nothing."""


def free_until(service: Service, starts_at: datetime, *, now: datetime) -> datetime:
    """Until when a window that is promised now can be cancelled for nothing: never after it begins."""
    return min(max(starts_at - service.cancel_cutoff, now + THINK), starts_at)


class CancelTerms:
    """The terms of one visit, as they were when its window was promised; a later change is for others."""

    late_fee: Mapped[str] = mapped_column(String(200), default="", server_default="")
    free_until: Mapped[datetime | None] = mapped_column(UtcDateTime)  # None: nothing is ever charged
    fee_due: Mapped[str] = mapped_column(String(200), default="", server_default="")  # once it was cancelled

    def agree_terms(self, service: Service, starts_at: datetime, *, ours: bool, now: datetime) -> None:
        """Take over what the service says now; a window that the company changed (`ours`) costs nothing."""
        self.late_fee = "" if ours else service.late_fee
        self.free_until = free_until(service, starts_at, now=now) if self.late_fee else None

    def fee_at(self, now: datetime) -> str:
        """What cancelling costs at this moment, in the words of the company; empty: nothing."""
        return self.late_fee if self.free_until is not None and now > self.free_until else ""
