"""The promised interval."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True)
class Window:
    """An arrival window: the technician rings in it, work may end later. Kept in UTC from whatever zone."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.starts_at.tzinfo is None or self.ends_at.tzinfo is None:
            raise ValueError(f"not a window, the zone is missing: {self.starts_at} to {self.ends_at}")
        # Within one local zone Python subtracts clock times: an hour wrong on the days when clocks change.
        for bound in ("starts_at", "ends_at"):
            object.__setattr__(self, bound, getattr(self, bound).astimezone(UTC))
        if not self.starts_at < self.ends_at:
            raise ValueError(f"not a window: {self.starts_at} to {self.ends_at}")
