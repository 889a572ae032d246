"""Where an instant lies on the timeline: minutes on the wall clock of the territory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

_HOUR, _STEP = 60, 30
_LAST = 48 * _HOUR - 1  # as far as the style sheet has classes
_SHORTEST = 9 * _HOUR
_USUAL = (8 * _HOUR, 17 * _HOUR)


@dataclass(frozen=True)
class Spot:
    """A place on the timeline: its first minute of the day and its length in minutes."""

    minute: int
    minutes: int


@dataclass(frozen=True)
class Scale:
    """The shown part of a day: `minutes` from `first`, counted from local midnight."""

    on: date
    zone: ZoneInfo
    first: int
    minutes: int

    def minute(self, instant: datetime) -> int:
        """The minute of the day that the wall clock shows; it counts on after midnight."""
        local = instant.astimezone(self.zone)
        return (local.date() - self.on).days * 24 * _HOUR + local.hour * _HOUR + local.minute

    def shows(self, instant: datetime) -> bool:
        """Whether the instant is in the shown part."""
        return 0 <= self.minute(instant) - self.first <= self.minutes

    def spot(self, starts_at: datetime, ends_at: datetime) -> Spot:
        """The place of an interval, cut off at the edges."""
        low, high = self.first, self.first + self.minutes
        begins = min(max(self.minute(starts_at), low), high - 1)
        ends = min(max(self.minute(ends_at), begins + 1), high)
        return Spot(begins, ends - begins)

    @property
    def hours(self) -> range:
        """The minutes of the whole hours."""
        return range(-(-self.first // _HOUR) * _HOUR, self.first + self.minutes, _HOUR)


def scale_of(on: date, zone: ZoneInfo, instants: Iterable[datetime]) -> Scale:
    """A scale that shows all of these instants with some room around them, in half hours."""
    clock = Scale(on, zone, 0, 1)
    minutes = sorted(clock.minute(instant) for instant in instants) or _USUAL
    first = max(minutes[0] - _STEP // 2, 0) // _STEP * _STEP
    last = min(-(-(minutes[-1] + _STEP // 2) // _STEP) * _STEP, _LAST)
    return Scale(on, zone, first, max(last - first, _SHORTEST))
