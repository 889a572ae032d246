"""Which arrival windows a service may offer on a day, before anybody asks whether they can be kept."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from fieldservice.models import Service, Territory, Window
from fieldservice.planning.rows import DayRows


def offered_windows(service: Service, rows: DayRows) -> list[Window]:
    """The windows of a day that a service may offer at all: working hours, holidays, lead time, horizon."""
    territory, now = rows.territory, rows.now
    working = [day.working_day for day in rows.technicians if day.working_day]
    beyond = rows.on > territory.local_day(now) + timedelta(days=service.horizon_days)
    if not working or beyond or is_holiday(territory, rows.on):
        return []
    zone = territory.zone
    starts = _full_hour(min(day.starts_at for day in working).astimezone(zone))
    ends = max(day.ends_at for day in working)
    found = []
    # local wall time plus a duration: a window from 8 to 10 stays one on the days the clock changes
    while (window_ends := starts + service.window_length) <= ends:
        if starts >= now + service.lead_time:
            found.append(Window(starts, window_ends))
        starts = window_ends
    return found


def _full_hour(local: datetime) -> datetime:
    """The next full hour by the wall clock: customers remember 8 to 10, not 7:30 to 9:30."""
    hour = local.replace(minute=0, second=0, microsecond=0)
    return hour if hour == local else hour + timedelta(hours=1)


def is_holiday(territory: Territory, on: date) -> bool:
    """Whether a public holiday of the territory falls on the day; the setting is `US` or `US-MD`."""
    if not territory.holidays:
        return False
    import holidays  # a large package that a territory without holidays does not need

    country, _, subdivision = territory.holidays.partition("-")
    return on in holidays.country_holidays(country, subdiv=subdivision or None, years=on.year)
