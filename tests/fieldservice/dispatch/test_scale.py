"""Where things lie on the timeline."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from fieldservice.dispatch.scale import Scale, Spot, scale_of

ZONE = ZoneInfo("America/New_York")
ON = date(2026, 3, 2)


def at(hour: int, minute: int = 0, on: date = ON) -> datetime:
    """An instant by the wall clock of Baltimore."""
    return datetime(on.year, on.month, on.day, hour, minute, tzinfo=ZONE).astimezone(UTC)


def test_the_scale_shows_everything_in_half_hours() -> None:
    """There is room before the first and after the last instant."""
    scale = scale_of(ON, ZONE, [at(8), at(17, 40)])
    assert (scale.first, scale.first + scale.minutes) == (7 * 60 + 30, 18 * 60)
    assert list(scale.hours) == [hour * 60 for hour in range(8, 18)]


def test_an_empty_day_shows_usual_hours() -> None:
    """Nothing to show is no reason for an empty timeline."""
    scale = scale_of(ON, ZONE, [])
    assert (scale.first, scale.minutes) == (7 * 60 + 30, 10 * 60)


def test_a_day_that_begins_at_midnight_and_ends_after_the_next() -> None:
    """The scale ends where the style sheet ends, and begins no earlier than midnight."""
    scale = scale_of(ON, ZONE, [at(0), at(23, 50, on=date(2026, 3, 3))])
    assert scale.first == 0
    assert scale.first + scale.minutes < 48 * 60


def test_what_crosses_the_edges_is_cut_off() -> None:
    """A bar never leaves the timeline, and is never without width."""
    scale = Scale(ON, ZONE, 8 * 60, 9 * 60)
    assert scale.spot(at(7), at(8, 30)) == Spot(8 * 60, 30)
    assert scale.spot(at(16, 30), at(19)) == Spot(16 * 60 + 30, 30)
    assert scale.spot(at(5), at(6)) == Spot(8 * 60, 1)
    assert scale.spot(at(20), at(21)) == Spot(17 * 60 - 1, 1)


def test_the_wall_clock_counts_when_clocks_change() -> None:
    """On the day of 23 hours ten o'clock is still at ten: the drop of a drag is read from the same scale."""
    spring = date(2026, 3, 8)
    assert Scale(spring, ZONE, 0, 1440).minute(at(10, on=spring)) == 10 * 60
    assert Scale(spring, ZONE, 0, 1440).minute(at(1, 30, on=date(2026, 3, 9))) == 25 * 60 + 30
