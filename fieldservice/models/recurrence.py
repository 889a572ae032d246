"""When something recurs, as local dates: by weeks, months or years, in a season, on working days."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import count

LONGEST_SHIFT = 31
"""Days within which a working day is looked for in place of a holiday."""

type Works = Callable[[date], bool]


class Unit(StrEnum):
    """What a rule counts."""

    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"


@dataclass(frozen=True)
class Season:
    """The months in which something is due; from October to March is a season, too."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not (1 <= self.first <= 12 and 1 <= self.last <= 12):
            raise ValueError(f"not a season: months {self.first} to {self.last}")

    def __contains__(self, on: date) -> bool:
        if self.first <= self.last:
            return self.first <= on.month <= self.last
        return on.month >= self.first or on.month <= self.last


@dataclass(frozen=True)
class Due:
    """A date of a rule, and the day that it is due on after holidays were avoided."""

    ruled_on: date
    due_on: date


@dataclass(frozen=True)
class Rule:
    """Every so many units from the first date on; outside the season nothing is due.

    A day that a month lacks is its last one: from January 31 on, the months' dates are February 28 or 29,
    March 31, April 30.
    """

    first_on: date
    every: int
    unit: Unit
    season: Season | None = None

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"not a rule: every {self.every} {self.unit}")

    def dates(self, until: date) -> Iterator[date]:
        """The dates of the rule up to and with `until`, in order."""
        for number in count():
            on = self._date(number)
            if on > until:
                return
            if self.season is None or on in self.season:
                yield on

    def due(self, until: date, works: Works | None = None) -> Iterator[Due]:
        """The dates up to `until` with the days that they are due on, each day once and in order.

        With `works` a day off becomes the next working day of the season, at its end the one before.
        """
        last: date | None = None
        for on in self.dates(until):
            due_on = on if works is None else self._working_day(on, works)
            if last is None or due_on > last:
                yield Due(on, due_on)
                last = due_on

    def _date(self, number: int) -> date:
        if self.unit == Unit.WEEKS:
            return self.first_on + timedelta(weeks=self.every * number)
        return add_months(self.first_on, self.every * number * (12 if self.unit == Unit.YEARS else 1))

    def _working_day(self, on: date, works: Works) -> date:
        for step in (1, -1):
            for days in range(LONGEST_SHIFT + 1):
                other = on + timedelta(days=step * days)
                if self.season is not None and other not in self.season:
                    break
                if works(other):
                    return other
        return on


def add_months(on: date, months: int) -> date:
    """The same day some months later, or the last one of a month that lacks it."""
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    return date(year, month + 1, min(on.day, monthrange(year, month + 1)[1]))
