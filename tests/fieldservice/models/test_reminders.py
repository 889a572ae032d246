"""When reminders are due: right to the minute in three zones, over both changes of their clocks."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fieldservice.models import reminders
from fieldservice.notify import words

ZONES = {
    "Europe/Berlin": (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    "America/New_York": (datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
    "Australia/Lord_Howe": (datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
}
SPANS = ("1d", "2d", "3d", "7d", "24h", "48h", "36h", "2h", "90m")
INSTANTS = 10_000


def clock(instant: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def test_no_reminder_is_due_at_the_wrong_minute() -> None:
    """10,000 random windows around the clock changes, judged by the clock on the wall and by real time."""
    chance = random.Random(7)
    places = [(ZoneInfo(name), change) for name, changes in ZONES.items() for change in changes]
    shown = {zone: set() for zone, _ in places}
    for _ in range(INSTANTS):
        zone, change = chance.choice(places)
        starts_at = change + timedelta(minutes=chance.randrange(-4 * 1440, 8 * 1440))
        span = chance.choice(SPANS)
        due = reminders.due_at(span, starts_at, zone)
        if not span.endswith("d"):
            assert starts_at - due == reminders.length(span)
        else:
            wanted = clock(starts_at, zone) - reminders.length(span)
            gap = clock(due, zone) - wanted
            exists = any(clock(due + timedelta(minutes=m), zone) == wanted for m in (-60, -30, 0, 30, 60))
            assert gap == timedelta(0) if exists else gap in (timedelta(minutes=30), timedelta(hours=1))
        local = due.astimezone(zone)
        assert words.clock_time(due, zone, "en_GB") == f"{local.hour:02}:{local.minute:02}"
        shown[zone].add(words.zone_words(zone, due, "en_GB"))
    assert all(len(names) == 2 for names in shown.values()), "summer and winter are told apart in words"


def test_the_control_would_find_an_hour_of_difference() -> None:
    """A day that is taken for 24 hours is wrong in the night in which the clocks change."""
    zone = ZoneInfo("Europe/Berlin")
    starts_at = datetime(2026, 3, 29, 8, tzinfo=UTC)
    day, hours = (reminders.due_at(span, starts_at, zone) for span in ("1d", "24h"))
    assert day - hours == timedelta(hours=1)
    assert clock(day, zone).hour == clock(starts_at, zone).hour == 10


@pytest.mark.parametrize(
    ("said", "stored"), [("3 days", "3d"), ("1 day", "1d"), ("24 hours", "24h"), ("90 minutes", "90m")]
)
def test_a_span_is_read_and_written(said: str, stored: str) -> None:
    """In words for people, in short for a kind of message."""
    assert reminders.read_span(said) == stored
    assert reminders.write_span(stored) == said
    assert reminders.is_reminder(reminders.kind_of(stored))


@pytest.mark.parametrize(
    "said", ["", "soon", "0 hours", "3 minutes", "61 days", "2 weeks", "-1 hours", "٣ days"]
)
def test_what_is_no_span_is_refused(said: str) -> None:
    """With a sentence that says how to write it, or how long is possible."""
    with pytest.raises(ValueError, match="before|write it as"):
        reminders.read_span(said)
