"""Times and names in words, by locale and zone; needs neither a request nor an application."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, get_time_format, get_timezone_name
from babel.lists import format_list

FALLBACK = "en_US"


@lru_cache
def locale_of(name: str) -> Locale:
    """The locale of that name, or American English when nobody knows it."""
    try:
        return Locale.parse(name)
    except (ValueError, UnknownLocaleError):
        return Locale.parse(FALLBACK)


def clock_time(instant: datetime, zone: ZoneInfo, locale: str) -> str:
    """A time of day such as 10:25 am."""
    return _time(instant.astimezone(zone), _pattern(locale), locale)


def window_words(starts_at: datetime, ends_at: datetime, zone: ZoneInfo, locale: str) -> str:
    """An arrival window such as 10 am – 12 pm: never a bare hour."""
    return f"{_hour(starts_at.astimezone(zone), locale)} – {_hour(ends_at.astimezone(zone), locale)}"


def hour_words(instant: datetime, zone: ZoneInfo, locale: str) -> str:
    """A time of day without the minutes of a whole hour: 8 am."""
    return _hour(instant.astimezone(zone), locale)


def day_words(on: date, locale: str, *, year: bool = False, short: bool = False) -> str:
    """A day such as Tuesday, Nov 24."""
    known = locale_of(locale)
    pattern = known.datetime_skeletons["yMMMEd" if year else "MMMEd"].pattern
    if not short:
        pattern = pattern.replace("E", "EEEE")
    return format_date(on, pattern, locale=known)


def names_words(names: Sequence[str], locale: str) -> str:
    """Several names as one: Ana Lee, Ben Okafor, and Carl Moss."""
    return format_list(list(names), locale=locale_of(locale))


def zone_words(zone: ZoneInfo, at: datetime, locale: str, *, until: datetime | None = None) -> str:
    """A time zone in words with its letters, if it has any: Eastern Standard Time (EST).

    Where clocks change between `at` and `until`, the name for the whole year: Eastern Time.
    """
    local = at.astimezone(zone)
    if until is not None and until.astimezone(zone).utcoffset() != local.utcoffset():
        return get_timezone_name(zone, locale=locale_of(locale))
    name = get_timezone_name(local, locale=locale_of(locale))
    letters = local.tzname() or ""
    return f"{name} ({letters})" if letters.isalpha() and letters != name else name


def up_to(deadline: datetime, zone: ZoneInfo) -> datetime:
    """What is said of a deadline: at midnight the minute before, because nobody knows whose day 12 am is."""
    local = deadline.astimezone(zone)
    return deadline - timedelta(minutes=1) if (local.hour, local.minute) == (0, 0) else deadline


def phone_words(number: str, country: str) -> str:
    """A stored number as people write it: nationally inside the company's country, else internationally."""
    import phonenumbers  # large, and most of what is written here has no number

    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return number
    own = phonenumbers.region_code_for_number(parsed) == country
    style = phonenumbers.PhoneNumberFormat.NATIONAL if own else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return str(phonenumbers.format_number(parsed, style))


def _hour(local: datetime, locale: str) -> str:
    pattern = _pattern(locale)
    if local.minute == 0 and "a" in pattern:
        pattern = pattern.replace(":mm", "")
    return _time(local, pattern, locale)


def _pattern(locale: str) -> str:
    return get_time_format("short", locale=locale_of(locale)).pattern


def _time(local: datetime, pattern: str, locale: str) -> str:
    text = format_datetime(local, pattern, locale=locale_of(locale), tzinfo=local.tzinfo)
    return text.replace("AM", "am").replace("PM", "pm").replace("\u202f", " ")
