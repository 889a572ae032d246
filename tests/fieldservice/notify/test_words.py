"""Times as people read them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fieldservice.notify import words

NEW_YORK = ZoneInfo("America/New_York")
TEN = datetime(2026, 11, 24, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("locale", "clock", "window", "day", "zone"),
    [
        (
            "en_US",
            "10:25 am",
            "10 am – 12 pm",
            "Tuesday, Nov 24",
            "Eastern Standard Time (EST)",
        ),
        (
            "de_DE",
            "10:25",
            "10:00 – 12:00",
            "Dienstag, 24. Nov.",
            "Nordamerikanische Ostküsten-Normalzeit (EST)",
        ),
        ("en_GB", "10:25", "10:00 – 12:00", "Tuesday 24 Nov", "Eastern Standard Time (EST)"),
        ("no such locale", "10:25 am", "10 am – 12 pm", "Tuesday, Nov 24", "Eastern Standard Time (EST)"),
    ],
)
def test_times_are_written_as_the_locale_writes_them(
    locale: str, clock: str, window: str, day: str, zone: str
) -> None:
    """Twelve or twenty-four hours, the order of day and month, and the zone, all in the reader's language."""
    assert words.clock_time(TEN + timedelta(minutes=25), NEW_YORK, locale) == clock
    assert words.window_words(TEN, TEN + timedelta(hours=2), NEW_YORK, locale) == window
    assert words.day_words(date(2026, 11, 24), locale) == day
    assert words.zone_words(NEW_YORK, TEN, locale) == zone


@pytest.mark.parametrize(
    ("local", "hours", "text"),
    [("00:00", 1, "12 am – 1 am"), ("11:30", 1, "11:30 am – 12:30 pm"), ("12:00", 4, "12 pm – 4 pm")],
)
def test_noon_and_midnight_cannot_be_mixed_up(local: str, hours: int, text: str) -> None:
    """A window never shows a bare hour, and minutes only when there are some."""
    starts_at = datetime.fromisoformat(f"2026-11-24T{local}").replace(tzinfo=NEW_YORK)
    assert words.window_words(starts_at, starts_at + timedelta(hours=hours), NEW_YORK, "en_US") == text


@pytest.mark.parametrize(("local", "said"), [("00:00", "23:59"), ("00:01", "00:01"), ("12:00", "12:00")])
def test_a_deadline_at_midnight_belongs_to_the_day_before(local: str, said: str) -> None:
    """Nobody has to know whether 12 am on Tuesday is before or after Tuesday."""
    deadline = datetime.fromisoformat(f"2026-11-24T{local}").replace(tzinfo=NEW_YORK)
    at = words.up_to(deadline.astimezone(UTC), NEW_YORK).astimezone(NEW_YORK)
    assert at.strftime("%H:%M") == said
    assert deadline - at <= timedelta(minutes=1)


def test_short_days_and_years() -> None:
    """Tue, Nov 24, with the year when it is asked for."""
    assert words.day_words(date(2026, 11, 24), "en_US", short=True) == "Tue, Nov 24"
    assert words.day_words(date(2026, 11, 24), "en_US", year=True) == "Tuesday, Nov 24, 2026"


def test_the_zone_has_its_summer_name_in_summer_and_no_digits_for_letters() -> None:
    """The words follow the date; an abbreviation such as +11 would only confuse."""
    july = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert words.zone_words(NEW_YORK, july, "en_US") == "Eastern Daylight Time (EDT)"
    assert words.zone_words(ZoneInfo("Australia/Lord_Howe"), TEN, "en_US") == "Lord Howe Daylight Time"


@pytest.mark.parametrize(
    ("number", "country", "written"),
    [
        ("+14105550123", "US", "(410) 555-0123"),
        ("+14105550123", "DE", "+1 410-555-0123"),
        ("+493012345678", "DE", "030 12345678"),
        ("+493012345678", "US", "+49 30 12345678"),
        ("ask for Rosa", "US", "ask for Rosa"),
        ("", "US", ""),
    ],
)
def test_a_phone_number_is_national_at_home_and_international_elsewhere(
    number: str, country: str, written: str
) -> None:
    """What is no number is left as it is."""
    assert words.phone_words(number, country) == written
