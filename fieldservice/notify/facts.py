"""What a message or a calendar entry says about a visit, free of tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Company:
    """Who writes to the customer."""

    name: str
    phone: str
    email: str


@dataclass(frozen=True, kw_only=True)
class VisitFacts:
    """A promised visit as its customer knows it."""

    reference: str
    promise_version: int
    cancelled: bool
    starts_at: datetime
    ends_at: datetime
    zone: ZoneInfo
    service: str
    place: str  # on_site, at_branch or remote
    address: str  # empty for a remote visit
    link: str  # empty when the customer has no private link any more
    company: Company
    locale: str
    late_fee: str = ""  # what cancelling costs after `free_until`, in the customer's language
    free_until: datetime | None = None  # None: nothing is ever charged
    fee_due: str = ""  # what the cancellation costs the customer
    may_change: bool = False  # whether the customer can still pick another window
    calls: str = ""  # the number that is called for a remote visit, as people write it
    joins: str = ""  # or the link under which it takes place
    promised: bool = True  # whether the message speaks of the window at all

    def __post_init__(self) -> None:
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None or not self.starts_at < self.ends_at:
            raise ValueError(f"not a window: {self.starts_at} to {self.ends_at}")
