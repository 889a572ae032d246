"""A technician puts the own hours of a day right; the taps stay beside it."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from fieldservice.field import own_time, service
from fieldservice.models import HoursCorrection, Technician
from fieldservice.planning.time_sheets import Hours

_LONGEST = timedelta(hours=24)


class BadHours(Exception):
    """The day would end before it begins or in the future, or its break be longer than the work."""


def correct(session: Session, technician: Technician, said: HoursCorrection, *, now: datetime) -> None:
    """Keep what the hours really were; what was tapped stays. The same again does nothing.

    Raises BadHours, WrongTime.
    """
    service.require_moment(said.said_at, now=now)
    hours = Hours(said.starts_at, said.ends_at, said.pause)
    if not timedelta(0) < hours.worked <= _LONGEST or hours.ends_at > now or hours.pause < timedelta(0):
        raise BadHours
    own_time.keep(session, technician, said)


def came_twice(on: date, zone: ZoneInfo) -> bool:
    """Whether an hour comes twice on a day or in the night after it: the clocks go back."""
    first, last = (datetime.combine(on + timedelta(days=days), time(0), zone) for days in (0, 2))
    before, after = first.utcoffset(), last.utcoffset()
    return before is not None and after is not None and after < before
