"""Which arrival windows a service may offer on a day, before anybody asks whether they can be kept."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from fieldservice.models import Service, Territory, Window, WorkingDay
from fieldservice.planning.rows import DayRows


def offered_windows(service: Service, rows: DayRows) -> list[Window]:
    """The windows of a day that a service may offer at all: working hours and days, lead time, horizon."""
    working = [day.working_day for day in rows.technicians if day.working_day]
    return windows_on(service, rows.territory, rows.on, working, now=rows.now)


def windows_on(
    service: Service, territory: Territory, on: date, working: Sequence[WorkingDay], *, now: datetime
) -> list[Window]:
    """The windows that a service may offer on a day on which these technicians work."""
    if not is_open(service, territory, on, now=now):
        return []
    soonest = now + service.lead_time
    return [found for found in day_windows(service, territory, working) if found.starts_at >= soonest]


def open_for_all(
    also: Sequence[Service], territory: Territory, on: date, windows: Sequence[Window], *, now: datetime
) -> list[Window]:
    """Those of a day's windows that other services may be offered in as well."""
    if not all(is_open(service, territory, on, now=now) for service in also):
        return []
    soonest = now + max((service.lead_time for service in also), default=timedelta(0))
    return [window for window in windows if window.starts_at >= soonest] if also else list(windows)


def day_windows(service: Service, territory: Territory, working: Sequence[WorkingDay]) -> list[Window]:
    """The windows of a day end to end, over the hours in which somebody works; past ones too."""
    if not working:
        return []
    starts = _full_hour(min(day.starts_at for day in working).astimezone(territory.zone))
    ends = max(day.ends_at for day in working)
    found = []
    while starts + service.window_length <= ends:
        if _is_on_the_clock(starts):
            found.append(window_from(starts, service.window_length, territory.zone))
        starts += service.window_length
    return found


def window_from(starts_at: datetime, length: timedelta, zone: ZoneInfo) -> Window:
    """The window of this length by the wall clock: from 8 to 10 also on the days the clock changes."""
    local = starts_at.astimezone(zone)
    return Window(local, local + length)


def _is_on_the_clock(local: datetime) -> bool:
    """Whether clocks show this time at all: they skip half an hour or an hour in spring."""
    return local.astimezone(UTC).astimezone(local.tzinfo).replace(fold=0) == local.replace(fold=0)


def is_open(service: Service, territory: Territory, on: date, *, now: datetime) -> bool:
    """Whether the service is offered on a day: inside the horizon, on a working day, on no holiday."""
    weekday = str(on.weekday())
    beyond = on > territory.local_day(now) + timedelta(days=service.horizon_days)
    works = weekday in territory.working_days and weekday in service.working_days
    return works and not beyond and not is_holiday(territory, on)


def _full_hour(local: datetime) -> datetime:
    """The next full hour by the wall clock: customers remember 8 to 10, not 7:30 to 9:30."""
    hour = local.replace(minute=0, second=0, microsecond=0)
    return hour if hour == local else hour + timedelta(hours=1)


def is_holiday(territory: Territory, on: date) -> bool:
    """Whether a public holiday of the territory falls on the day; the setting is `US` or `US-MD`."""
    return bool(territory.holidays) and on in _holidays(territory.holidays, on.year)


@lru_cache(maxsize=64)
def _holidays(setting: str, year: int) -> frozenset[date]:
    """The public holidays of a year; kept, because a service plan asks for years of days."""
    import holidays  # a large package that a territory without holidays does not need

    country, _, subdivision = setting.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
