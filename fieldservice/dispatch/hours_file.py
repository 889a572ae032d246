"""The hours of a week as a file for payroll: a line for each technician and day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fieldservice.planning.time_sheets import Hours, Sheet, SheetWeek

COLUMNS = (
    "technician",
    "day",
    "began",
    "ended",
    "break_minutes",
    "worked_minutes",
    "at_visits_minutes",
    "on_road_minutes",
    "source",
    "tapped_began",
    "tapped_ended",
    "tapped_break_minutes",
    "tapped_worked_minutes",
    "reason",
)


def rows(weeks: Iterable[SheetWeek], zone: ZoneInfo) -> Iterator[Iterator[str | int]]:
    """The days that have hours, in the territory's time."""
    for week in weeks:
        for line in week.sheets:
            if line.counts is not None:
                yield _cells(week.technician.name, line, line.counts, zone)


def _cells(name: str, line: Sheet, counts: Hours, zone: ZoneInfo) -> Iterator[str | int]:
    yield name
    yield line.on.isoformat()
    yield from _hours(counts, zone)
    yield _minutes(line.at_visits)
    yield _minutes(line.on_road)
    yield "corrected" if line.correction else "recorded"
    yield from _hours(line.tapped, zone) if line.tapped else ("", "", "", "")
    yield line.correction.reason if line.correction else ""


def _hours(hours: Hours, zone: ZoneInfo) -> tuple[str, str, int, int]:
    starts, ends = (_moment(at, zone) for at in (hours.starts_at, hours.ends_at))
    return starts, ends, _minutes(hours.pause), _minutes(hours.worked)


def _moment(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M}"


def _minutes(length: timedelta) -> int:
    return round(length.total_seconds() / 60)
