"""When a service reminds its customers: so many days, hours or minutes before the arrival window.

A day before means the same time of the clock, whatever the clocks did meanwhile; hours are real ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

USUAL = ("24h", "2h")
"""What a service reminds with unless the office says otherwise."""

PREFIX = "reminder_"
EARLY, SOON = "reminder_24h", "reminder_2h"
"""The two texts: one half a day or more before, one shortly before."""

_SPAN = re.compile(r"([0-9]{1,4})([dhm])")
_WORDS = re.compile(r"([0-9]{1,4}) (day|hour|minute)s?")
_LENGTHS = {"d": timedelta(days=1), "h": timedelta(hours=1), "m": timedelta(minutes=1)}
_NAMES = {"d": "day", "h": "hour", "m": "minute"}
_EARLY_FROM = timedelta(hours=12)
_LONGEST = timedelta(days=60)
_SHORTEST = timedelta(minutes=5)


def due_at(span: str, starts_at: datetime, zone: ZoneInfo) -> datetime:
    """When a reminder of a window that begins then is due, in UTC."""
    number, unit = _parts(span)
    if unit != "d":
        return starts_at.astimezone(UTC) - number * _LENGTHS[unit]
    local = starts_at.astimezone(zone)
    wanted = datetime.combine(local.date() - timedelta(days=number), local.time(), zone)
    return wanted.replace(fold=local.fold).astimezone(UTC)


def length(span: str) -> timedelta:
    """How long before, clock changes aside."""
    number, unit = _parts(span)
    return number * _LENGTHS[unit]


def kind_of(span: str) -> str:
    """The kind of message: `reminder_2h`."""
    return PREFIX + span


def is_reminder(kind: str) -> bool:
    """Whether a kind of message is a reminder of a visit."""
    return kind.startswith(PREFIX) and _SPAN.fullmatch(kind.removeprefix(PREFIX)) is not None


def told_as(kind: str) -> str:
    """The text with which a kind of message is told."""
    if not is_reminder(kind):
        return kind
    return EARLY if length(kind.removeprefix(PREFIX)) >= _EARLY_FROM else SOON


def following(kind: str, spans: Iterable[str]) -> str | None:
    """The reminder that comes next after one, of those of a service."""
    own = length(kind.removeprefix(PREFIX))
    return max((span for span in spans if length(span) < own), key=length, default=None)


def read_span(words: str) -> str:
    """`2 days` as it is stored: `2d`. Raises ValueError for what is no time before a window."""
    found = _WORDS.fullmatch(words.strip())
    if found is None:
        raise ValueError("write it as 2 days, 24 hours or 90 minutes")
    span = f"{int(found[1])}{found[2][0]}"
    if not _SHORTEST <= length(span) <= _LONGEST:
        raise ValueError("from 5 minutes to 60 days before")
    return span


def write_span(span: str) -> str:
    """`2d` in words: `2 days`."""
    number, unit = _parts(span)
    return f"{number} {_NAMES[unit]}{'' if number == 1 else 's'}"


def _parts(span: str) -> tuple[int, str]:
    found = _SPAN.fullmatch(span)
    if found is None:
        raise ValueError(f"no time before a window: {span}")
    return int(found[1]), found[2]
